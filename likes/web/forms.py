"""The forms of the pages."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.models import AbstractBaseUser

from likes.models import SyncSettings
from likes.review import NAME_LENGTH


class NameForm(forms.Form):
    """The name of a page on Last.fm, typed by a person."""

    artist = forms.CharField(label="Artist on Last.fm", max_length=NAME_LENGTH)
    title = forms.CharField(label="Title on Last.fm", max_length=NAME_LENGTH)
    sure = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", False)
        super().__init__(*args, **kwargs)


class SyncSettingsForm(forms.ModelForm):
    class Meta:
        model = SyncSettings
        fields = ("enabled", "on_unlike", "on_unknown")
        labels = {
            "enabled": "Sync by itself",
            "on_unlike": "When I unlike on Spotify",
            "on_unknown": "When Last.fm does not know a track that I like",
        }
        widgets = {"on_unlike": forms.RadioSelect, "on_unknown": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on_unknown"].required = False

    def clean_on_unknown(self) -> str:
        return str(self.cleaned_data["on_unknown"] or self.instance.on_unknown)


class DeleteAccountForm(forms.Form):
    """Proof that it is the user who wants to leave: the password, or, without one, the name."""

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if user.has_usable_password():
            self.fields["proof"] = forms.CharField(
                label="Your password",
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            )
        else:
            self.fields["proof"] = forms.CharField(label=f"Your user name, “{user}”, to be sure")

    def clean_proof(self) -> str:
        proof = self.cleaned_data["proof"]
        if self.user.has_usable_password():
            # allauth's, for its limit on wrong passwords. It raises where there were too many.
            if not get_adapter().reauthenticate(self.user, proof):
                raise forms.ValidationError("That is not your password.")
        elif proof != self.user.get_username():
            raise forms.ValidationError("That is not your user name.")
        return proof
