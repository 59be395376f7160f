"""The addresses of the pages."""

from django.urls import path, re_path

from likes.views import connections, decisions, home, library, settings_pages, undoing

urlpatterns = [
    path("", home.home, name="home"),
    path("progress/", home.progress, name="progress"),
    path("sync/", home.sync_now, name="sync"),
    path("removals/<slug:listing>/", home.agree_to_removals, name="agree_to_removals"),
    path("runs/", home.runs, name="runs"),
    path("runs/<int:number>/", undoing.run_detail, name="run"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<slug:service>/disconnect/", connections.disconnect, name="disconnect"),
    path("likes/", library.like_list, name="likes"),
    path("likes/<int:pk>/", library.track_detail, name="track"),
    path("likes/<int:pk>/name/", decisions.name_page, name="name_page"),
    re_path(
        r"^likes/(?P<pk>\d{1,18})/(?P<decision>love|exclude|reopen)/$",
        decisions.decide_on_track,
        name="decide_on_track",
    ),
    re_path(
        r"^pages/(?P<pk>\d{1,18})/(?P<decision>accept|reject)/$",
        decisions.decide_on_page,
        name="decide_on_page",
    ),
    path("review/", decisions.review_list, name="review"),
    path("review/decide/", decisions.decide_on_many, name="decide_on_many"),
    path("review/take-back/", decisions.take_back_bulk, name="take_back_bulk"),
    path("settings/", settings_pages.settings_page, name="settings"),
    path("settings/download/", settings_pages.download, name="download"),
    path("settings/delete/", settings_pages.delete_account, name="delete_account"),
]
