"""The operations of VOD (2017-03-21) and CDN (2018-05-10), one module for each subject."""
