"""ApsaraVideo VOD and CDN in our own terms; the only package that imports an SDK.

`vod_gateway()` and `cdn_gateway()` are made from the settings once per process and are safe to
share between threads.
"""
