import io
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import get_args

import pytest

from exchanges import wire
from exchanges.bitex.models.kyc import KycProfile, KycRejectionReason, KycRejectionReasons, UsageTier
from exchanges.bitex.models.kyc_files import ACCEPTED_FORMATS, MAX_BYTES, KycFile, upload_of
from exchanges.endpoint import MULTIPART
from exchanges.errors import DecodeError, UsageError
from exchanges.http.uploads import Upload
from tests.support.bitex_requests import ENDPOINTS, fields, sent

BILLY = [
    *(12345678, "Billy", "Bob", "33222111N", "AR", "passport", "4332221115", 946685400, "brazilian", "male", "Singer"),
    *("Calle 1", "Calle 2", "+51 555 120921", True, False, "small", "micro"),
]
FILE = [12345678, 1, "http://secret", "billy.png", "image/png", 10000]
PERSONAL = {
    *("first_name", "last_name", "personal_id_number", "tax_id", "birth_date"),
    *("home_address", "work_address", "phone_numbers"),
}
PNG = b"\x89PNG\r\n\x1a\n...."
REASON = {
    "id": "1",
    "type": "kyc_rejection_reasons",
    "attributes": {"detail_es": "uno", "detail_en": "one", "detail_pt": "um", "code": "first"},
}


def profile(cells, **options):
    """Read one row."""
    return wire.decode(wire.dumps(cells), KycProfile, **options)


class TestDeclarations:
    @pytest.mark.parametrize("call", ["create_profile", "update_profile", "update_default_profile"])
    def test_personal_data_are_secrets(self, call):
        """Fields that identify a person are secrets."""
        assert PERSONAL == {a.name for a in ENDPOINTS[f"kyc.{call}"].arguments if a.param.secret}


class TestProfiles:
    def test_fields(self):
        """The row of 18 contains the person's data, the requested and the granted tier, in this order."""
        billy = profile(BILLY, strict=True)

        assert (12345678, "Billy", "4332221115", datetime(2000, 1, 1, 0, 10, tzinfo=UTC)) == (
            billy.id,
            billy.first_name,
            billy.tax_id,
            billy.birth_date,
        )
        assert (True, False, UsageTier.SMALL, UsageTier.MICRO) == (
            billy.legal_entity,
            billy.politically_exposed_person,
            billy.usage_tier,
            billy.accepted_usage_tier,
        )

    def test_nothing_but_a_tier(self):
        """A profile may have only the requested tier; None granted means rejected."""
        bare = profile([1, *[None] * 15, "large", None], strict=True)

        assert (None, None, UsageTier.LARGE, None) == (
            bare.first_name,
            bare.birth_date,
            bare.usage_tier,
            bare.accepted_usage_tier,
        )

    @pytest.mark.parametrize("cells", [BILLY, [1, *[None] * 15, "large"], [*BILLY, "surplus", None, 5]])
    def test_they_go_back_as_they_came(self, cells):
        """A row encodes as received, surplus cells included."""
        assert cells == wire.encode(profile(cells))

    def test_before_1970(self):
        """A birth before 1970 is a negative time, and encodes the same."""
        cells = [*BILLY[:7], -946771200, *BILLY[8:]]

        assert (date(1940, 1, 1), cells) == (profile(cells).birth_date.date(), wire.encode(profile(cells)))

    def test_an_unknown_tier(self):
        """A tier that the guide does not name is kept, and an error if strict."""
        cells = [*BILLY[:16], "huge", "huge"]

        assert ("huge", False) == (profile(cells).usage_tier, profile(cells).usage_tier.is_known)
        with pytest.raises(DecodeError, match="KycProfile position 16"):
            profile(cells, strict=True)

    def test_too_short(self):
        """A row without the tier names its position."""
        with pytest.raises(DecodeError, match=r"KycProfile position 16 \(usage_tier\)"):
            profile(BILLY[:16])

    def test_they_print_no_personal_data(self):
        """The repr of a profile has its id and tiers only."""
        expected = (
            "KycProfile(id=12345678, usage_tier=<UsageTier.SMALL: 'small'>, "
            "accepted_usage_tier=<UsageTier.MICRO: 'micro'>)"
        )

        assert expected == repr(profile([*BILLY, "surplus"]))

    def test_both_ways_of_reading(self):
        """The fast reader of lists returns the same profiles."""
        listed = wire.dumps([BILLY, [*BILLY[:17], None]])

        fast = wire.Wire().rows(listed, list[KycProfile])

        assert wire.decode(listed, list[KycProfile], strict=True) == fast

    @pytest.mark.parametrize("tier", ["micro", "small", "medium", "large"])
    def test_tiers(self, tier):
        """The four documented tiers are known."""
        assert UsageTier(tier).is_known


class TestSendingProfiles:
    def test_only_what_is_given(self):
        """Omitted fields are not sent."""
        assert {"usage_tier": "micro"} == fields("kyc.create_profile", usage_tier=UsageTier.MICRO)

    @pytest.mark.parametrize("born", [date(1970, 1, 30), "1970-01-30"])
    def test_a_date(self, born):
        """A date is sent as year/month/day, month and day with two digits."""
        assert "1970/01/30" == fields("kyc.create_profile", usage_tier="micro", birth_date=born)["birth_date"]

    @pytest.mark.parametrize("born", [datetime(1970, 1, 30, tzinfo=UTC), "30/1/1970", "1970/1/30", "", 0, 1970.5])
    def test_no_date(self, born):
        """A datetime, a number or other text is rejected as a date."""
        with pytest.raises(UsageError, match="birth_date must be a date"):
            sent("kyc.create_profile", usage_tier="micro", birth_date=born)

    @pytest.mark.parametrize("country", ["ar", "ARG", "A", "", "Argentina"])
    def test_no_country(self, country):
        """The issuing country must be two capital letters."""
        with pytest.raises(UsageError, match="personal_id_issuer_country must be an ISO country code"):
            sent("kyc.create_profile", usage_tier="micro", personal_id_issuer_country=country)

    def test_a_new_country(self):
        """A country that the guide does not name is sent."""
        form = fields("kyc.create_profile", usage_tier="micro", personal_id_issuer_country="JP")

        assert "JP" == form["personal_id_issuer_country"]

    @pytest.mark.parametrize("tier", ["huge", "MICRO", "", None])
    def test_no_tier(self, tier):
        """A tier that the guide does not name cannot be requested."""
        with pytest.raises(UsageError, match="usage_tier must be"):
            sent("kyc.update_default_profile", usage_tier=tier)

    def test_flags(self):
        """A flag that is False is sent."""
        form = fields("kyc.update_profile", kyc_profile_id=5, usage_tier="micro", legal_entity=False)

        assert {"usage_tier": "micro", "legal_entity": "false"} == form

    def test_addresses(self):
        """The path of an update has the id of the profile, except for the default one."""
        one, own = sent("kyc.update_profile", kyc_profile_id=5, usage_tier="micro"), sent("kyc.default_profile")

        assert ("PUT", "/api-v1/rest/private/kyc_profiles/5") == (one.verb, one.target)
        assert ("GET", "/api-v1/rest/private/kyc_profile?api_key=k") == (own.verb, own.target)


class TestFiles:
    def test_fields(self):
        """The row of 6 contains URL, name, type and size of the document."""
        file = wire.decode(wire.dumps(FILE), KycFile, strict=True)

        assert FILE == [file.id, file.kyc_profile_id, file.url, file.file_name, file.content_type, file.file_size]
        assert FILE == wire.encode(file)

    def test_they_print_no_personal_data(self):
        """Neither the URL, which opens the document, nor its name is in the repr."""
        file = wire.decode(wire.dumps([*FILE, "surplus"]), KycFile)

        assert "KycFile(id=12345678, kyc_profile_id=1, content_type='image/png', file_size=10000)" == repr(file)

    @pytest.mark.parametrize(
        ("content", "content_type"),
        [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0....", "image/jpeg"),
            (b"BM......", "image/bmp"),
            (b"GIF89a..", "image/gif"),
            (b"%PDF-1.7", "application/pdf"),
        ],
    )
    def test_the_type_by_content(self, content, content_type, tmp_path):
        """The type is detected from the first bytes: of bytes, an open file, a file by its path."""
        path = tmp_path / "document"
        path.write_bytes(content)

        with path.open("rb") as file:
            made = [upload_of(d) for d in (content, bytearray(content), file, io.BytesIO(content), path, str(path))]

        assert {(content_type, len(content))} == {(u.content_type, u.size) for u in made}

    def test_the_type_by_name(self, tmp_path):
        """The type of content without a known signature is that of its name."""
        path = tmp_path / "passport.pdf"
        path.write_bytes(b"\n\n%PDF-1.7")

        assert ("passport.pdf", "application/pdf") == (upload_of(path).name, upload_of(path).content_type)

    def test_content_goes_before_the_name(self, tmp_path):
        """The content takes precedence over the name."""
        path = tmp_path / "passport.txt"
        path.write_bytes(PNG)

        assert "image/png" == upload_of(path).content_type

    def test_an_open_file_stands_where_it_stood(self):
        """Detecting the type does not move an open file."""
        file = io.BytesIO(b"head" + PNG)
        file.seek(4)

        upload = upload_of(file)

        assert (4, len(PNG), "image/png") == (file.tell(), upload.size, upload.content_type)

    def test_a_ready_upload(self):
        """An upload with its own name and type is used unchanged."""
        upload = Upload.of(b"?", name="a.pdf", content_type="application/x-pdf", accepted=ACCEPTED_FORMATS, max_bytes=9)

        assert upload is upload_of(upload)

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            (b"", "not unknown"),
            (b"hello", "must be one of application/pdf"),
            (PNG + bytes(MAX_BYTES), "bytes"),
            ("/nowhere/passport.png", "must be a file that can be read"),
            ("", "must be"),
            ("a\0b", "null"),
            (5, "must be bytes, a path or an open file, not int"),
            (None, "must be bytes, a path or an open file, not NoneType"),
            (io.StringIO("text"), "must be open for reading bytes, not text"),
            (Upload.of(b"?", content_type="text/html", accepted={"text/html"}, max_bytes=9), "must be one of"),
        ],
    )
    def test_no_document(self, document, words):
        """Anything but a document of an accepted format is rejected before anything is sent."""
        with pytest.raises(UsageError, match=words):
            sent("kyc.create_file", kyc_profile_id=1, document=document)

    def test_not_from_a_pipe(self):
        """A file that cannot be rewound is rejected."""
        pipe = SimpleNamespace(read=lambda _: b"", readable=lambda: True, seekable=lambda: False)

        with pytest.raises(UsageError, match="can be rewound"):
            sent("kyc.create_file", kyc_profile_id=1, document=pipe)

    def test_sending(self):
        """A document is the last part of a multipart form, with its type; the type argument is a field before it."""
        request = sent("kyc.create_file", kyc_profile_id=1, document=PNG, document_content_type="image/png")
        text = request.body.decode()

        assert (MULTIPART, "/api-v1/rest/private/kyc_profiles/1/kyc_files") == (
            ENDPOINTS["kyc.create_file"].body,
            request.target,
        )
        assert 'name="api_key"\r\n\r\nk\r\n' in text
        assert 'name="document_content_type"\r\n\r\nimage/png\r\n' in text
        assert text.endswith('name="document"; filename="document"\r\nContent-Type: image/png\r\n\r\n')

    @pytest.mark.parametrize("content_type", ["image/tiff", "", "png", "image/png; charset=x"])
    def test_no_accepted_format(self, content_type):
        """A type that Bitex does not accept is rejected."""
        with pytest.raises(UsageError, match="document_content_type must be one of application/pdf"):
            sent("kyc.create_file", kyc_profile_id=1, document=PNG, document_content_type=content_type)

    def test_formats(self):
        """The seven documented formats are accepted."""
        images = {f"image/{kind}" for kind in ("jpeg", "jpg", "png", "bmp", "gif")}

        assert images | {"application/pdf", "application/x-pdf"} == ACCEPTED_FORMATS


class TestRejectionReasons:
    REASONS = wire.decode(wire.dumps({"data": [REASON]}), KycRejectionReasons, strict=True)

    def test_a_reason(self):
        """A reason has a code for programs and texts in three languages for users."""
        expected = KycRejectionReason(id="1", code="first", detail_en="one", detail_es="uno", detail_pt="um")

        assert [expected] == list(self.REASONS)

    def test_it_is_a_list(self):
        """The reasons are an immutable sequence."""
        assert (1, self.REASONS.data[0], self.REASONS.data[:1]) == (
            len(self.REASONS),
            self.REASONS[-1],
            self.REASONS[0:1],
        )

    def test_they_go_back_as_they_came(self):
        """The reasons encode as the document received."""
        assert {"data": [REASON]} == wire.encode(self.REASONS)

    def test_a_new_language(self):
        """A text in another language is ignored, and an error if strict."""
        wider = {**REASON, "attributes": {**REASON["attributes"], "detail_fr": "un"}}
        document = wire.dumps({"data": [wider], "meta": {}})

        assert self.REASONS == wire.decode(document, KycRejectionReasons)
        with pytest.raises(DecodeError):
            wire.decode(document, KycRejectionReasons, strict=True)

    @pytest.mark.parametrize("document", [[], {}, {"data": REASON}, {"data": [{**REASON, "type": "users"}]}])
    def test_another_document(self, document):
        """Anything but a document about reasons is a decode error."""
        with pytest.raises(DecodeError):
            wire.decode(wire.dumps(document), KycRejectionReasons)


def test_lists_are_lists():
    """Profiles and files are returned as lists of rows."""
    answers = [get_args(ENDPOINTS[f"kyc.{call}"].answer) for call in ("profiles", "profile_files", "files")]

    assert [(KycProfile,), (KycFile,), (KycFile,)] == answers
