from accounts.views import LoginView, SignOutView
from shortvideo.console.views import operation

urlpatterns = [
    *operation("user/login", LoginView),
    *operation("user/signOut", SignOutView),
]
