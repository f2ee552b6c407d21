"""Who the owners of the account are: profiles, their documents, and why they may be refused."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, TypedDict, Unpack

from exchanges.bitex.api import API
from exchanges.bitex.checks import calendar_day, country_code
from exchanges.bitex.models.kyc import KycProfile, KycRejectionReasons, UsageTier
from exchanges.bitex.models.kyc_files import KycFile, fault_of_format, upload_of
from exchanges.endpoint import IDEMPOTENT, MULTIPART, WRITE, Area, Param, private
from exchanges.http.uploads import Document, Upload

__all__ = ["Kyc", "ProfileFields"]

IssuerCountry: TypeAlias = Annotated[str | None, Param(check=country_code)]
BirthDate: TypeAlias = Annotated[date | str | None, Param(type="date", render=calendar_day, secret=True)]
Personal: TypeAlias = Annotated[str | None, Param(secret=True)]


class ProfileFields(TypedDict, total=False):
    """Fields of a profile beside its tier; whatever is missing or None is not sent.

    Source:
        Bitex developer guide, "Create a KYC Profile".
    """

    first_name: Personal
    last_name: Personal
    personal_id_number: Personal
    """As on the document, in any format."""
    personal_id_issuer_country: IssuerCountry
    """Country that issued the document: two capital letters."""
    personal_id_type: str | None
    """Free text; ``dni``, ``passport`` and ``drivers_license`` are suggested."""
    tax_id: Personal
    """In Argentina the CUIT."""
    birth_date: BirthDate
    """A `date`, or text such as 1970-01-30."""
    nationality: str | None
    gender: str | None
    """Free text; male and female are suggested."""
    occupation: str | None
    home_address: Personal
    """In full, with postal code."""
    work_address: Personal
    """In full, with postal code."""
    phone_numbers: Personal
    legal_entity: bool | None
    """Whether the profile acts for a company or another legal entity."""
    politically_exposed_person: bool | None
    """Whether the person counts as politically exposed."""


class Kyc(Area, api=API):
    """Know your customer: Bitex wants to know whose money it holds.

    Money is taken from, and paid to, owners with an accepted profile alone, and the account's limits follow from the
    tier that was granted. A new profile with files is taken into the tier *micro* until a compliance officer has
    looked at it; without a legible photo ID none is accepted. Every change is looked at again, and a profile that was
    accepted may be rejected at any time: `KycProfile.accepted_usage_tier` is None then. Bitex calls or writes where it
    wants to know more.

    One profile is enough for most accounts; sub-accounts are what resellers have.
    """

    @private("POST /private/kyc_profiles", kind=WRITE)
    async def create_profile(
        self,
        *,
        usage_tier: UsageTier,
        **fields: Unpack[ProfileFields],
    ) -> KycProfile:
        """Register one more person or company.

        Each profile must be of somebody real who means to use the service: making them thoughtlessly counts as abuse.
        All but the tier may be left out, but what is complete is accepted sooner. Errors show no personal data.

        Args:
            usage_tier: The tier that is asked for.
            fields: See `ProfileFields`; all of them are optional.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Create a KYC Profile". The date is sent with two digits for month and day, as the
            exchange's own client does; the guide's sample leaves out the zero.
        """
        ...

    @private("PUT /private/kyc_profiles/{kyc_profile_id}", kind=IDEMPOTENT)
    async def update_profile(
        self,
        kyc_profile_id: int,
        *,
        usage_tier: UsageTier,
        **fields: Unpack[ProfileFields],
    ) -> KycProfile:
        """Change a profile; a compliance officer looks at the change.

        Args:
            kyc_profile_id: The `KycProfile.id`.
            usage_tier: The tier that is asked for, changed or not.
            fields: See `ProfileFields`; None for what is not to change.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Update a KYC Profile".
        """
        ...

    @private("PUT /private/kyc_profile", kind=IDEMPOTENT)
    async def update_default_profile(
        self,
        *,
        usage_tier: UsageTier,
        **fields: Unpack[ProfileFields],
    ) -> KycProfile:
        """Change the profile of the user that the key belongs to; a compliance officer looks at the change.

        Args:
            usage_tier: The tier that is asked for, changed or not.
            fields: See `ProfileFields`; None for what is not to change.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Update the user's default KYC Profile".
        """
        ...

    @private("GET /private/kyc_profiles/{kyc_profile_id}")
    async def profile(self, kyc_profile_id: int) -> KycProfile:
        """One profile.

        Args:
            kyc_profile_id: The `KycProfile.id`.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Show a KYC Profile".
        """
        ...

    @private("GET /private/kyc_profile")
    async def default_profile(self) -> KycProfile:
        """One profile: that of the user that the key belongs to.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Show the user's default KYC Profile".
        """
        ...

    @private("GET /private/kyc_profiles")
    async def profiles(self) -> list[KycProfile]:
        """All profiles of the account.

        Returns:
            Wire: list of rows of 18, without class reference.

        Source:
            Bitex developer guide, "List your KYC Profiles".
        """
        ...

    @private("POST /private/kyc_profiles/{kyc_profile_id}/kyc_files", kind=WRITE, body=MULTIPART)
    async def create_file(
        self,
        kyc_profile_id: int,
        *,
        document: Annotated[Document | Upload, Param(type="file", render=upload_of)],
        document_content_type: Annotated[str | None, Param(check=fault_of_format, echo=None)] = None,
    ) -> KycFile:
        """Hand in a document; a legible photo ID is the least that is wanted.

        Args:
            kyc_profile_id: Whose it is: the `KycProfile.id`.
            document: JPEG, PNG, BMP, GIF or PDF: the content, a path to it, or a file open for reading bytes, which is
                read from where it stands. Or an `Upload`, which says its own name and type. At most 16 MiB, which is
                a bound of this library. Its type is told from the content, or else from the name.
            document_content_type: The type in the exchange's words, such as ``image/png``, beside the one that goes
                out with the file itself; not sent unless said.

        Returns:
            The document, with an address that works for a few minutes. Wire: row of 6, without class reference.

        Source:
            Bitex developer guide, "Create a KYC File".
        """
        ...

    @private("GET /private/kyc_profiles/{kyc_profile_id}/kyc_files")
    async def profile_files(self, kyc_profile_id: int) -> list[KycFile]:
        """All documents of one profile, with addresses that work for a few minutes.

        Args:
            kyc_profile_id: The `KycProfile.id`.

        Returns:
            Wire: list of rows of 6, without class reference.

        Source:
            Bitex developer guide, "List a KYC Profile's Files".
        """
        ...

    @private("GET /private/kyc_files")
    async def files(self) -> list[KycFile]:
        """All documents of all profiles, with addresses that work for a few minutes.

        Returns:
            Wire: list of rows of 6, without class reference.

        Source:
            Bitex developer guide, "List all KYC Files".
        """
        ...

    @private("GET /private/kyc_rejection_reasons")
    async def rejection_reasons(self) -> KycRejectionReasons:
        """Why a profile may be rejected, in three languages.

        Show the text or, by the code, one of your own.

        Returns:
            A list that cannot be changed. Wire: json:api document.

        Source:
            Bitex developer guide, "List all KYC Rejection Reasons". It shows the key in a body of JSON; like every
            other GET this one carries it in the query.
        """
        ...
