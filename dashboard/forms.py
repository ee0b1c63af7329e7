"""What operators may enter, and how it is checked."""

from django import forms
from django.utils.translation import gettext_lazy as _

from recordings.models import Call

KINDS = {
    "video": ("audioVideo", "mixed", "mp4"),
    "mp3": ("audio", "mixed", "mp3"),
    "wav": ("audio", "mixed", "wav"),
    "channels": ("audio", "unmixed", "wav"),
}
"""The combinations of content, channel and format that exist (azure-docs, voice-video-calling/call-recording.md)."""

LONGEST_REASON = 200


class CallChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A live call, named by who is in it."""

    def label_from_instance(self, call: Call) -> str:
        people = [str(stay.participant) for stay in call.presences.all() if stay.left_at is None]
        return ", ".join(people) or str(call)


class StartForm(forms.Form):
    """Start a recording: of a call that is known to be live, or of one by its id."""

    call = CallChoice(
        queryset=Call.objects.none(),
        required=False,
        label=_("Live call"),
        empty_label=_("Choose a call, or paste an id below"),
    )
    server_call_id = forms.CharField(
        required=False,
        max_length=600,
        strip=True,
        label=_("or server call id"),
        help_text=_("From CallStarted events or from the software that runs the call."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label=_("Record"),
        initial="video",
        choices=[
            ("video", _("Video and audio, MP4")),
            ("mp3", _("Audio, MP3")),
            ("wav", _("Audio, WAV")),
            ("channels", _("Audio, WAV with a channel per participant (up to 5)")),
        ],
    )
    paused = forms.BooleanField(
        required=False, label=_("Start paused"), help_text=_("Nothing is recorded until somebody resumes.")
    )
    reason = forms.CharField(
        required=False, max_length=LONGEST_REASON, label=_("Reason"), help_text=_("Kept in the history.")
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("call")) == bool(cleaned.get("server_call_id")):
            raise forms.ValidationError(_("Choose a live call or paste a server call id: one of the two."))
        return cleaned


class WatchForm(forms.Form):
    """Watch a recording that other software started."""

    recording_id = forms.CharField(
        max_length=600,
        strip=True,
        label=_("Recording id"),
        help_text=_("From the answer to its start request. The service is asked first; an unknown id stores nothing."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
