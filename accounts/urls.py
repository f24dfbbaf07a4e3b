from accounts.views import LoginView, SignOutView
from shortvideo.console.views import operation_urls

urlpatterns = [
    *operation_urls("user/login", LoginView),
    *operation_urls("user/signOut", SignOutView),
]
