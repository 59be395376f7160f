"""The forms of the admin."""

from __future__ import annotations

from typing import Any

from django import forms

from likes.exporting.typed_names import find_objection
from likes.models import Like, ServiceMapping
from likes.review import NAME_LENGTH


class LinkForm(forms.ModelForm):
    """An operator types the name of a track's page on Last.fm."""

    artist = forms.CharField(label="Artist on Last.fm", required=False, max_length=NAME_LENGTH)
    name = forms.CharField(
        label="Title on Last.fm", required=False, max_length=NAME_LENGTH,
        help_text="Artist and title of a page link the track to that one.",
    )  # fmt: skip
    sure = forms.BooleanField(label="Take a name that Last.fm does not know", required=False)

    class Meta:
        model = Like
        fields = ()

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        named = [given.get("artist", "").strip(), given.get("name", "").strip()]
        if any(named) and not all(named):
            raise forms.ValidationError("Type both the artist and the title.")
        if all(named) and not given.get("sure") and (objection := find_objection(*named)):
            raise forms.ValidationError(
                f"{objection} Tick “Take a name that Last.fm does not know” to take it."
            )
        return given


class MappingForm(LinkForm):
    """What an operator can decide about a page on Last.fm: whether it is it, or another name."""

    DECISIONS = {"": "leave as it is", "accept": "this is it", "reject": "this is not it"}

    decide = forms.ChoiceField(label="Decide", choices=DECISIONS, required=False)

    class Meta:
        model = ServiceMapping
        fields = ()

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("artist") and given.get("decide"):
            raise forms.ValidationError("Either decide on this page or type another name.")
        return given
