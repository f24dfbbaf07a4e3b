from django.urls import path

from accounts.documentation import docs, schema
from accounts.views import LoginView, SignOutView
from shortvideo.console.views import operation_urls

urlpatterns = [
    *operation_urls("user/login", LoginView),
    *operation_urls("user/signOut", SignOutView),
    path("schema", schema, name="schema"),
    path("docs", docs, name="docs"),
]
