"""The addresses of the pages."""

from django.urls import path, re_path

from likes.web import connection_pages, home, like_pages, review_pages, run_pages, settings_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("progress/", home.progress, name="progress"),
    path("sync/", home.sync_now, name="sync"),
    path("removals/<slug:listing>/", home.agree_to_removals, name="agree_to_removals"),
    path("runs/", home.runs, name="runs"),
    path("runs/<int:number>/", run_pages.run_detail, name="run"),
    path("connections/", connection_pages.connections, name="connections"),
    path("connections/<slug:service>/disconnect/", connection_pages.disconnect, name="disconnect"),
    path("likes/", like_pages.like_list, name="likes"),
    path("likes/<int:pk>/", like_pages.track_detail, name="track"),
    path("likes/<int:pk>/name/", review_pages.name_page, name="name_page"),
    re_path(
        r"^likes/(?P<pk>\d{1,18})/(?P<decision>love|exclude|reopen)/$",
        review_pages.decide_on_track,
        name="decide_on_track",
    ),
    re_path(
        r"^pages/(?P<pk>\d{1,18})/(?P<decision>accept|reject)/$",
        review_pages.decide_on_page,
        name="decide_on_page",
    ),
    path("review/", review_pages.review_list, name="review"),
    path("review/decide/", review_pages.decide_on_many, name="decide_on_many"),
    path("review/take-back/", review_pages.take_back_bulk, name="take_back_bulk"),
    path("settings/", settings_pages.settings_page, name="settings"),
    path("settings/download/", settings_pages.download, name="download"),
    path("settings/delete/", settings_pages.delete_account, name="delete_account"),
]
