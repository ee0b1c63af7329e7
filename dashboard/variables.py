"""Every environment variable that Tapedeck reads. The settings table (`manage.py settings_table`) comes from here."""

from dashboard import parsers
from dashboard.environment import Variable

DAY_SECONDS = 86_400
LONGEST_RETENTION_SECONDS = 30 * DAY_SECONDS
ACS_CONTENT_HOSTS_DEFAULT = ("*.asm.skype.com", "*.asyncgw.teams.microsoft.com", "*.ams.gov.teams.microsoft.us")
"""Where Azure keeps recorded files: the hosts that Microsoft's own Call Automation SDK sends its signature to."""

A_BASE64_KEY = "a key in base64, as Azure shows it"
A_PORT = "a port number, 1 to 65535"
A_RETENTION = "whole seconds, 1 to 2592000 (30 days)"

retention = parsers.whole_number(least=1, most=LONGEST_RETENTION_SECONDS)

TAPEDECK_HOST = Variable(
    name="TAPEDECK_HOST",
    parse=parsers.host,
    default="127.0.0.1",
    allowed="an address or host name of this machine",
    meaning="The address the dashboard listens on. Anything but a loopback address opens it to the network.",
    default_text="127.0.0.1",
)
TAPEDECK_PORT = Variable(
    name="TAPEDECK_PORT",
    parse=parsers.port,
    default=8000,
    allowed=A_PORT,
    meaning="The port the dashboard listens on.",
    default_text="8000",
)
TAPEDECK_DATA = Variable(
    name="TAPEDECK_DATA",
    parse=parsers.folder,
    default=parsers.folder("var"),
    allowed="a folder that can be written",
    meaning="The folder under which everything is written: database, archive, spool, secrets, logs.",
    default_text="./var",
)
TAPEDECK_ADMIN_PASSWORD = Variable(
    name="TAPEDECK_ADMIN_PASSWORD",
    parse=parsers.text,
    default="",
    allowed="any text",
    meaning="The password of the operator `admin`, set at every start. Unset, one is generated at the first start.",
    default_text="generated",
    secret=True,
)
TAPEDECK_SECRET_KEY = Variable(
    name="TAPEDECK_SECRET_KEY",
    parse=parsers.secret_key,
    default="",
    allowed="at least 50 characters",
    meaning="The key that signs sessions.",
    default_text="generated",
    secret=True,
)
TAPEDECK_ALLOWED_HOSTS = Variable[tuple[str, ...]](
    name="TAPEDECK_ALLOWED_HOSTS",
    parse=parsers.hosts,
    default=(),
    allowed="host names separated by commas",
    meaning="Further host names the dashboard answers to, besides loopback and the host of TAPEDECK_PUBLIC_URL.",
    default_text="none",
)
TAPEDECK_PUBLIC_URL = Variable(
    name="TAPEDECK_PUBLIC_URL",
    parse=parsers.base_url,
    default="",
    allowed="an http or https address without a path",
    meaning=(
        "The address under which others reach the dashboard; state callbacks are sent there. With https, cookies are"
        " secure and every request must come through the proxy that sets X-Forwarded-Proto."
    ),
    default_text="none; embedded: the dashboard's own address",
)
DATABASE_URL = Variable(
    name="DATABASE_URL",
    parse=parsers.database_url,
    default="",
    allowed="sqlite:///path or postgresql://user:password@host:port/name",
    meaning="The database of the dashboard.",
    default_text="SQLite, TAPEDECK_DATA/tapedeck.sqlite3",
    secret=True,
)
CELERY_BROKER_URL = Variable(
    name="CELERY_BROKER_URL",
    parse=parsers.broker_url,
    default="filesystem://",
    allowed="filesystem:// or amqp://user:password@host:port/vhost",
    meaning="The message broker. Losing it loses no work.",
    default_text="filesystem://, under TAPEDECK_DATA/broker",
    secret=True,
)
CELERY_QUEUE_PREFIX = Variable(
    name="CELERY_QUEUE_PREFIX",
    parse=parsers.name,
    default="tapedeck",
    allowed="letters, digits, dots, dashes, underscores",
    meaning="The first part of the queue names, so that two installations can share one broker.",
    default_text="tapedeck",
)
ACS_ENDPOINT = Variable(
    name="ACS_ENDPOINT",
    parse=parsers.service_url,
    default="",
    allowed="an https address without a path (http for this machine only)",
    meaning="The endpoint of the Azure Communication Services resource. Unset, the embedded service is used.",
    default_text="the embedded service",
)
ACS_ACCESS_KEY = Variable(
    name="ACS_ACCESS_KEY",
    parse=parsers.base64_key,
    default="",
    allowed=A_BASE64_KEY,
    meaning="The access key that belongs to ACS_ENDPOINT.",
    default_text="none",
    secret=True,
)
ACS_CONNECTION_STRING = Variable(
    name="ACS_CONNECTION_STRING",
    parse=parsers.connection_string,
    default=("", ""),
    allowed="endpoint=https://…;accesskey=…",
    meaning="Endpoint and access key in one, as the Azure portal shows them; in place of the two above.",
    default_text="none",
    secret=True,
)
ACS_CONTENT_HOSTS = Variable[tuple[str, ...]](
    name="ACS_CONTENT_HOSTS",
    parse=parsers.hosts,
    default=(),
    allowed="host names separated by commas; `*.example.org` allows all names below it",
    meaning="The hosts that recorded files may be fetched from with the key, besides the host of the endpoint itself.",
    default_text=", ".join(ACS_CONTENT_HOSTS_DEFAULT),
)
ACS_RETENTION_SECONDS = Variable(
    name="ACS_RETENTION_SECONDS",
    parse=retention,
    default=DAY_SECONDS,
    allowed=A_RETENTION,
    meaning="How long the service keeps a recorded file. Countdowns and losses are reckoned from it.",
    default_text="86400; embedded: LOCAL_ACS_RETENTION_SECONDS",
)
ACS_DELETE_AFTER_ARCHIVE = Variable(
    name="ACS_DELETE_AFTER_ARCHIVE",
    parse=parsers.switch,
    default=False,
    allowed="on or off",
    meaning="Whether a file is deleted from the service once its archived copy has been verified.",
    default_text="off",
)
EVENT_GRID_ENDPOINT = Variable(
    name="EVENT_GRID_ENDPOINT",
    parse=parsers.service_url,
    default="",
    allowed="an https address without a path (http for this machine only)",
    meaning="The endpoint of the Event Grid namespace from which notifications are pulled.",
    default_text="none; embedded: the embedded service",
)
EVENT_GRID_TOPIC = Variable(
    name="EVENT_GRID_TOPIC",
    parse=parsers.name,
    default="",
    allowed="the name of a namespace topic",
    meaning="The namespace topic that the resource's events are sent to.",
    default_text="none; embedded: acs",
)
EVENT_GRID_SUBSCRIPTION = Variable(
    name="EVENT_GRID_SUBSCRIPTION",
    parse=parsers.name,
    default="",
    allowed="the name of a queue subscription",
    meaning="The event subscription of that topic, with delivery mode Queue.",
    default_text="none; embedded: tapedeck",
)
EVENT_GRID_KEY = Variable(
    name="EVENT_GRID_KEY",
    parse=parsers.base64_key,
    default="",
    allowed=A_BASE64_KEY,
    meaning="An access key of the Event Grid namespace.",
    default_text="none; embedded: LOCAL_ACS_EVENT_GRID_KEY",
    secret=True,
)
LOCAL_ACS_PORT = Variable(
    name="LOCAL_ACS_PORT",
    parse=parsers.port,
    default=8801,
    allowed=A_PORT,
    meaning="The port the embedded service listens on, on loopback.",
    default_text="8801",
)
LOCAL_ACS_ACCESS_KEY = Variable(
    name="LOCAL_ACS_ACCESS_KEY",
    parse=parsers.base64_key,
    default="",
    allowed=A_BASE64_KEY,
    meaning="The access key of the embedded service, for the dashboard and for SDKs.",
    default_text="generated",
    secret=True,
)
LOCAL_ACS_MANAGEMENT_KEY = Variable(
    name="LOCAL_ACS_MANAGEMENT_KEY",
    parse=parsers.base64_key,
    default="",
    allowed=A_BASE64_KEY,
    meaning="The key of the embedded service's own management surface (calls, faults), which Azure does not have.",
    default_text="generated",
    secret=True,
)
LOCAL_ACS_EVENT_GRID_KEY = Variable(
    name="LOCAL_ACS_EVENT_GRID_KEY",
    parse=parsers.base64_key,
    default="",
    allowed=A_BASE64_KEY,
    meaning="The key with which notifications are pulled from the embedded service.",
    default_text="generated",
    secret=True,
)
LOCAL_ACS_RETENTION_SECONDS = Variable(
    name="LOCAL_ACS_RETENTION_SECONDS",
    parse=retention,
    default=DAY_SECONDS,
    allowed=A_RETENTION,
    meaning="How long the embedded service keeps a recorded file; the dashboard is told the same.",
    default_text="86400",
)
LOCAL_ACS_LIVE_CALLS = Variable(
    name="LOCAL_ACS_LIVE_CALLS",
    parse=parsers.whole_number(least=0, most=50),
    default=3,
    allowed="a whole number, 0 to 50",
    meaning="How many calls the embedded service keeps going by itself.",
    default_text="3",
)
LOCAL_ACS_MEDIA_DIR = Variable(
    name="LOCAL_ACS_MEDIA_DIR",
    parse=parsers.text,
    default="",
    allowed="a folder with audio or video files",
    meaning="Files in it become cameras and microphones of people in calls. Unset, all media is generated.",
    default_text="none",
)
LOCAL_ACS_CHUNK_BYTES = Variable(
    name="LOCAL_ACS_CHUNK_BYTES",
    parse=parsers.whole_number(least=1, most=10**12),
    default=1_500_000_000,
    allowed="whole bytes, from 1",
    meaning="The size at which the embedded service begins a recording's next file.",
    default_text="1500000000",
)
LOCAL_ACS_CHUNK_SECONDS = Variable(
    name="LOCAL_ACS_CHUNK_SECONDS",
    parse=parsers.seconds,
    default=14_400.0,
    allowed="seconds above 0",
    meaning="The duration at which the embedded service begins a recording's next file.",
    default_text="14400",
)
TAPEDECK_CRASH_AT = Variable(
    name="TAPEDECK_CRASH_AT",
    parse=parsers.text,
    default="",
    allowed="the name of a crash point; embedded service only",
    meaning="For tests: the process kills itself at this point of the pipeline, once. Refused with a real resource.",
    default_text="none",
)

VARIABLES: tuple[Variable[object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Variable)
)
"""All of them, in the order of the settings table."""

FOR_TESTS = frozenset({"TAPEDECK_REQUIRE_SERVICES", "TAPEDECK_CHROMIUM", "TAPEDECK_PAYLOADS"})
"""Read by the test suite only, never by the product."""


def markdown_table() -> str:
    """The settings table as Markdown, one row a variable."""
    rows = [f"| `{each.name}` | {each.meaning} | {each.allowed} | {each.default_text} |" for each in VARIABLES]
    return "\n".join(["| Variable | Meaning | Allowed | Default |", "|---|---|---|---|", *rows])
