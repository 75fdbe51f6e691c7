"""The words of the field, as closed enums.

Names follow the standards where one has the word (STIX 2.1 incident core, VERIS, MISP, PagerDuty);
where none has, they are ours and say so. Every question that a person may be unable to answer has
`unknown`, which is an answer and never means "no"."""

import re
from enum import StrEnum
from typing import Final


class ServiceName(StrEnum):
    INTAKE = "intake"
    TRIAGE = "triage"
    NOTIFY = "notify"
    REVIEW = "review"


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Fidelity(StrEnum):
    """How exactly a time is known (STIX timestamp-fidelity): a post may only say "3 d ago"."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"


class DiscoveryMethod(StrEnum):
    """Who noticed (VERIS discovery_method, shortened)."""

    EMPLOYEE = "employee"
    DLP = "dlp"
    MONITORING = "monitoring"
    CUSTOMER = "customer"
    PARTNER = "partner"
    SECURITY_RESEARCHER = "security_researcher"
    PRESS = "press"
    UNRELATED_THIRD_PARTY = "unrelated_third_party"
    ACTOR_DISCLOSURE = "actor_disclosure"
    UNKNOWN = "unknown"


class InformationType(StrEnum):
    """What leaked (STIX information-type, with VERIS' secrets and source code)."""

    CLASSIFIED_MATERIAL = "classified-material"
    COMMUNICATION = "communication"
    CREDENTIALS_ADMIN = "credentials-admin"
    CREDENTIALS_USER = "credentials-user"
    FINANCIAL = "financial"
    LEGAL = "legal"
    PAYMENT = "payment"
    PHI = "phi"
    PII = "pii"
    PROPRIETARY = "proprietary"
    SECRETS = "secrets"
    SOURCE_CODE = "source-code"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Platform(StrEnum):
    """Where a post stands, as far as lists and figures tell platforms apart (ours; no standard has
    it). How a person wrote the name stands beside it, and can be forgotten."""

    BLUESKY = "bluesky"
    DISCORD = "discord"
    FACEBOOK = "facebook"
    GITHUB = "github"
    GITLAB = "gitlab"
    GLASSDOOR = "glassdoor"
    INSTAGRAM = "instagram"
    KUNUNU = "kununu"
    LINKEDIN = "linkedin"
    MASTODON = "mastodon"
    PASTEBIN = "pastebin"
    REDDIT = "reddit"
    SIGNAL = "signal"
    SNAPCHAT = "snapchat"
    STACK_OVERFLOW = "stack_overflow"
    STRAVA = "strava"
    TELEGRAM = "telegram"
    THREADS = "threads"
    TIKTOK = "tiktok"
    TWITCH = "twitch"
    WHATSAPP = "whatsapp"
    X = "x"
    XING = "xing"
    YOUTUBE = "youtube"
    OTHER = "other"
    UNKNOWN = "unknown"

    @classmethod
    def named(cls, text: str) -> "Platform":
        """The platform that a person means: upper and lower case, blanks and hyphens do not count,
        and Twitter is X. OTHER where the name is none of these."""
        plain = re.sub(r"[\s_-]+", "_", text.strip().casefold())
        return cls(_ALSO.get(plain, plain)) if plain in {*_ALSO, *cls} else cls.OTHER


_ALSO: Final = {
    "twitter": "x",
    "x.com": "x",
    "twitter.com": "x",
    "stackoverflow": "stack_overflow",
    "github.com": "github",
    "gitlab.com": "gitlab",
    "linkedin.com": "linkedin",
    "facebook.com": "facebook",
    "youtube.com": "youtube",
    "reddit.com": "reddit",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
}


class PostKind(StrEnum):
    POST = "post"
    COMMENT = "comment"
    REPLY = "reply"
    STORY = "story"
    LIVE = "live"
    DIRECT_MESSAGE = "direct_message"
    REVIEW_SITE = "review_site"
    CODE_REPOSITORY = "code_repository"
    PASTE = "paste"
    PROFILE_FIELD = "profile_field"
    WEB_PAGE = "web_page"
    UNKNOWN = "unknown"


class AuthorRelation(StrEnum):
    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"
    FORMER = "former"
    PARTNER = "partner"
    COMPETITOR = "competitor"
    JOURNALIST = "journalist"
    BOT = "bot"
    UNKNOWN = "unknown"


class Visibility(StrEnum):
    PUBLIC = "public"
    FOLLOWERS = "followers"
    CLOSED_GROUP = "closed_group"
    PRIVATE_FORWARDED = "private_forwarded"
    UNKNOWN = "unknown"


class AudienceTier(StrEnum):
    """How far it travelled (ours; no standard has it): A stays inside the company, F has reached
    the press."""

    A_INTERNAL = "A"
    B_FEW_OUTSIDERS = "B"
    C_FOLLOWERS = "C"
    D_PUBLIC = "D"
    E_SPREADING = "E"
    F_PRESS = "F"
    UNKNOWN = "unknown"


class Determination(StrEnum):
    """Whether it is an incident (VERIS security_incident)."""

    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"
    NEAR_MISS = "near_miss"
    FALSE_POSITIVE = "false_positive"


class Severity(StrEnum):
    """Keep's scale, also PagerDuty's SEV-1 to SEV-5; when unsure take the higher."""

    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    LOW = "low"
    INFO = "info"


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class FactKey(StrEnum):
    """The facts that gates ask for. OTHER is any fact that a person has named; no gate waits for
    it."""

    AUTHENTIC_AND_OURS = "authentic_and_ours"
    INFORMATION_KIND = "information_kind"
    WHERE = "where"
    STILL_LIVE = "still_live"
    WHO_CAN_SEE = "who_can_see"
    WHO_POSTED = "who_posted"
    HOW_POSTER_IS_KNOWN = "how_poster_is_known"
    OTHER = "other"


BASIC_FACTS: Final = (
    FactKey.AUTHENTIC_AND_OURS,
    FactKey.INFORMATION_KIND,
    FactKey.WHERE,
    FactKey.STILL_LIVE,
    FactKey.WHO_CAN_SEE,
)
"""What must be established before the company acts or speaks outside its walls: every corrective
action and every message to outsiders waits for these."""


class Seat(StrEnum):
    LEGAL = "legal"
    COMMUNICATIONS = "communications"
    IT = "it"
    LEAD = "lead"


class ActionClass(StrEnum):
    PROTECTIVE = "protective"
    CORRECTIVE = "corrective"
    AGAINST_A_PERSON = "against_a_person"


class ActionKind(StrEnum):
    PRESERVE_EVIDENCE = "preserve_evidence"
    ROTATE_SECRET = "rotate_secret"
    REVOKE_ACCESS = "revoke_access"
    ASK_AUTHOR_TO_REMOVE = "ask_author_to_remove"
    PLATFORM_REPORT = "platform_report"
    DSA16_NOTICE = "dsa16_notice"
    DMCA_NOTICE = "dmca_notice"
    SEARCH_DEINDEX = "search_deindex"
    CACHE_PURGE = "cache_purge"
    WITHDRAW_DOCUMENT = "withdraw_document"
    COURT_ORDER = "court_order"
    DISCIPLINE = "discipline"
    SUSPENSION = "suspension"
    LEGAL_CLAIM = "legal_claim"


CONTAINING: Final = frozenset(
    {
        ActionKind.ROTATE_SECRET,
        ActionKind.REVOKE_ACCESS,
        ActionKind.ASK_AUTHOR_TO_REMOVE,
        ActionKind.PLATFORM_REPORT,
        ActionKind.DSA16_NOTICE,
        ActionKind.DMCA_NOTICE,
        ActionKind.SEARCH_DEINDEX,
        ActionKind.CACHE_PURGE,
        ActionKind.WITHDRAW_DOCUMENT,
        ActionKind.COURT_ORDER,
    }
)
"""What contains something when it succeeds; to preserve evidence does not, nor does an action
against a person."""


class LegalView(StrEnum):
    CLEARED = "cleared"
    CLEARED_WITH_CONDITIONS = "cleared_with_conditions"
    REFUSED = "refused"


class GateName(StrEnum):
    """What a decision may have to wait for."""

    FACTS = "facts"
    LEGAL = "legal"
    AUTHORISATION = "authorisation"
    CONFIRMED_ASSESSMENT = "confirmed_assessment"
    PROTECTED_ACTIVITY = "protected_activity"
    SEATS = "seats"
    APPROVAL = "approval"
    CLOSURE = "closure"


class Outcome(StrEnum):
    """What came of an action (STIX task-outcome)."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    ONGOING = "ongoing"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class DismissalReason(StrEnum):
    """Why an incident ends without a review (MISP incident-disposition and ours)."""

    NOT_AN_INCIDENT = "not_an_incident"
    DUPLICATE = "duplicate"
    AUTHORISED_DISCLOSURE = "authorised_disclosure"
    ALREADY_PUBLIC = "already_public"
    PROTECTED_ACTIVITY = "protected_activity"
    INSUFFICIENT_INFORMATION = "insufficient_information"


class Audience(StrEnum):
    EXECUTIVES = "executives"
    EMPLOYEES = "employees"
    LINE_MANAGER = "line_manager"
    INFORMATION_OWNER = "information_owner"
    DATA_SUBJECTS = "data_subjects"
    DATA_PROTECTION_AUTHORITY = "data_protection_authority"
    REGULATOR = "regulator"
    LAW_ENFORCEMENT = "law_enforcement"
    INSURER = "insurer"
    CUSTOMERS = "customers"
    PLATFORM = "platform"
    PRESS = "press"


class ApprovalKind(StrEnum):
    PEER = "peer"
    LEGAL = "legal"


class ControlLayer(StrEnum):
    """Which layer let a contributing factor through (ours)."""

    POLICY_MISSING = "policy_missing"
    POLICY_UNCLEAR = "policy_unclear"
    POLICY_UNKNOWN_TO_PERSON = "policy_unknown_to_person"
    TRAINING_MISSING = "training_missing"
    TRAINING_STALE = "training_stale"
    TRAINING_INEFFECTIVE = "training_ineffective"
    TOOL_DEFAULT = "tool_default"
    APPROVAL_BYPASSED = "approval_bypassed"
    CULTURE_PRESSURE = "culture_pressure"
    GRIEVANCE = "grievance"
    MALICIOUS = "malicious"


class ObservationKind(StrEnum):
    """Google SRE's three columns of a post-mortem."""

    WENT_WELL = "went_well"
    WENT_WRONG = "went_wrong"
    GOT_LUCKY = "got_lucky"
