"""KYC profiles of the owners of the account, their documents, and rejection reasons."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, TypedDict, Unpack

from exchanges.bitex.api import API
from exchanges.bitex.checks import ECHOED_ID, calendar_day, fault_of_country
from exchanges.bitex.models.kyc import (
    KycProfile,
    KycRejectionReasons,
    UsageTier,
    UsageTierWord,
)
from exchanges.bitex.models.kyc_files import KycFile, fault_of_format, upload_of
from exchanges.endpoint import IDEMPOTENT, MULTIPART, WRITE, Area, Param, private
from exchanges.http.uploads import Document, Upload

# Fields that identify a person are secrets: neither errors nor logs show them.
IssuerCountry: TypeAlias = Annotated[str | None, Param(check=fault_of_country)]
BirthDate: TypeAlias = Annotated[date | str | None, Param(type="date", render=calendar_day, secret=True)]
Personal: TypeAlias = Annotated[str | None, Param(secret=True)]


class ProfileFields(TypedDict, total=False):
    """Fields of a profile beside its tier; one that is missing or None is not sent.

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
    """Know your customer: profiles identify the owners of the account.

    Only owners with an accepted profile can deposit and receive money, and the tier that was granted sets the account's
    limits. A new profile with files gets the tier *micro* until a compliance officer has reviewed it; without a legible
    photo ID none is accepted. Every change is reviewed again, and an accepted profile may be rejected at any time:
    `KycProfile.accepted_usage_tier` is None then. Bitex calls or writes if it needs more information.

    One profile is enough for most accounts; several users need a reseller's account.
    """

    @private("POST /private/kyc_profiles", kind=WRITE)
    async def create_profile(
        self, *, usage_tier: UsageTier | UsageTierWord, **fields: Unpack[ProfileFields]
    ) -> KycProfile:
        """Create the profile of a person or company.

        Each profile must be of a real person or company that intends to use the service: Bitex treats careless creation
        as abuse. All fields but the tier are optional, but a complete profile is accepted sooner. Errors show no
        personal data.

        Args:
            usage_tier: The tier to request.
            fields: See `ProfileFields`; all of them are optional.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Create a KYC Profile". Month and day are sent with two digits, as the exchange's
            own client does; the guide's sample omits the leading zero.
        """
        ...

    @private("PUT /private/kyc_profiles/{kyc_profile_id}", kind=IDEMPOTENT)
    async def update_profile(
        self, kyc_profile_id: int, *, usage_tier: UsageTier | UsageTierWord, **fields: Unpack[ProfileFields]
    ) -> KycProfile:
        """Change a profile; a compliance officer reviews the change.

        Args:
            kyc_profile_id: The `KycProfile.id`.
            usage_tier: The tier to request, changed or not.
            fields: See `ProfileFields`; a missing one does not change.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Update a KYC Profile".
        """
        ...

    @private("PUT /private/kyc_profile", kind=IDEMPOTENT)
    async def update_default_profile(
        self, *, usage_tier: UsageTier | UsageTierWord, **fields: Unpack[ProfileFields]
    ) -> KycProfile:
        """Change the profile of the user that the key belongs to; a compliance officer reviews the change.

        Args:
            usage_tier: The tier to request, changed or not.
            fields: See `ProfileFields`; a missing one does not change.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Update the user's default KYC Profile".
        """
        ...

    @private("GET /private/kyc_profiles/{kyc_profile_id}")
    async def profile(self, kyc_profile_id: Annotated[int, ECHOED_ID]) -> KycProfile:
        """Return one profile.

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
        """Return the profile of the user that the key belongs to.

        Returns:
            Wire: row of 18, without class reference.

        Source:
            Bitex developer guide, "Show the user's default KYC Profile".
        """
        ...

    @private("GET /private/kyc_profiles")
    async def profiles(self) -> list[KycProfile]:
        """Return all profiles of the account.

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
        # No echo: the answer has the type of the file part, which may be spelled differently.
        document_content_type: Annotated[str | None, Param(check=fault_of_format, echo=None)] = None,
    ) -> KycFile:
        """Upload a document; at least a legible photo ID is needed.

        Args:
            kyc_profile_id: The profile that it belongs to: the `KycProfile.id`.
            document: JPEG, PNG, BMP, GIF or PDF: the content, a path to it, or a file open for reading bytes, which is
                read from its current position. Or an `Upload`, which has a name and type. At most 16 MiB, a bound of
                this library. The type is detected from the content, otherwise from the name.
            document_content_type: The type, such as ``image/png``, as a field of its own beside the type of the file
                part; not sent by default.

        Returns:
            The document, with a URL that is valid for a few minutes. Wire: row of 6, without class reference.

        Source:
            Bitex developer guide, "Create a KYC File".
        """
        ...

    @private("GET /private/kyc_profiles/{kyc_profile_id}/kyc_files")
    async def profile_files(self, kyc_profile_id: int) -> list[KycFile]:
        """Return all documents of one profile, with URLs that are valid for a few minutes.

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
        """Return all documents of all profiles, with URLs that are valid for a few minutes.

        Returns:
            Wire: list of rows of 6, without class reference.

        Source:
            Bitex developer guide, "List all KYC Files".
        """
        ...

    # Quirk: the sample of the guide sends the key in a JSON body, which a GET has not: it goes into the query as
    # elsewhere.
    @private("GET /private/kyc_rejection_reasons")
    async def rejection_reasons(self) -> KycRejectionReasons:
        """Return the reasons for which a profile may be rejected, in three languages.

        The code identifies a reason, to show the user a text of your own.

        Returns:
            An immutable sequence. Wire: json:api document.

        Source:
            Bitex developer guide, "List all KYC Rejection Reasons". It shows the key in a JSON body; as in every
            other GET it is sent in the query.
        """
        ...
