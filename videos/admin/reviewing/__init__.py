"""The review page, `/admin/review/`: one clip after another, without a page load in between."""
