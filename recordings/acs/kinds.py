"""What a recording is made of, in the words of the REST API whatever words an event or a metadata document uses."""

from dataclasses import dataclass

from recordings.acs.fields import Fields, label

_CONTENT = {"audio": "audio", "audiovideo": "audioVideo"}
_CHANNEL = {"mixed": "mixed", "unmixed": "unmixed"}
_FORMAT = {"mp4": "mp4", "mp3": "mp3", "wav": "wav"}
_LONGEST_TYPE = 20
_LONGEST_FORMAT = 10


@dataclass(frozen=True, slots=True)
class Kinds:
    """`content_type` audio or audioVideo, `channel_type` mixed or unmixed, `format_type` mp4, mp3 or wav.

    Empty when not said; a word that is not known is kept as it came.
    """

    content_type: str = ""
    channel_type: str = ""
    format_type: str = ""


def read(facts: Fields, *, content: str, channel: str, file_format: str) -> Kinds:
    """The kinds named by three fields of `facts`.

    Events write Pascal case (`AudioVideo`), REST camel case (azure-rest-api-specs pull request 15618). Metadata of
    2021 has content and channel swapped: `contentType: "mixed", channelType: "audioVideo"` (azure-docs,
    call-recording.md, 2021-04).
    """
    said_content = label(facts.raw(content), most=_LONGEST_TYPE)
    said_channel = label(facts.raw(channel), most=_LONGEST_TYPE)
    if said_content.lower() in _CHANNEL or said_channel.lower() in _CONTENT:
        said_content, said_channel = said_channel, said_content
    said_format = label(facts.raw(file_format), most=_LONGEST_FORMAT)
    return Kinds(
        content_type=_CONTENT.get(said_content.lower(), said_content),
        channel_type=_CHANNEL.get(said_channel.lower(), said_channel),
        format_type=_FORMAT.get(said_format.lower(), said_format),
    )
