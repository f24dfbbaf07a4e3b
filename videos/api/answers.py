"""The shape of the data that the video operations answer, for the OpenAPI schema."""

from rest_framework import serializers

from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus


class UserDocument(serializers.Serializer[None]):
    userId = serializers.CharField(allow_blank=True)
    userName = serializers.CharField(allow_blank=True)
    avatarUrl = serializers.CharField(allow_blank=True)


class VideoFactsDocument(serializers.Serializer[None]):
    id = serializers.CharField()
    videoId = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    duration = serializers.IntegerField(help_text="Whole seconds, rounded.")
    coverUrl = serializers.CharField(allow_blank=True)
    creationTime = serializers.CharField(help_text="`2019-01-09 22:11:29.0`, server time zone.")
    status = serializers.CharField(allow_blank=True, help_text="VOD's own.")
    firstFrameUrl = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes of the source file.")
    cateId = serializers.IntegerField()
    cateName = serializers.CharField(allow_blank=True)
    tags = serializers.CharField(allow_blank=True, help_text="Comma-separated.")
    shareUrl = serializers.CharField(allow_blank=True)
    user = UserDocument()
    transcodeStatus = serializers.ChoiceField(choices=TranscodeStatus.values)
    snapshotStatus = serializers.ChoiceField(choices=SnapshotStatus.values)
    censorStatus = serializers.ChoiceField(choices=CensorStatus.values)
    narrowTranscodeStatus = serializers.ChoiceField(choices=TranscodeStatus.values)


class SnapshotListsDocument(serializers.Serializer[None]):
    SnapshotList = serializers.ListField(child=serializers.CharField())
    snapshotList = serializers.ListField(child=serializers.CharField())


class ListedVideoDocument(SnapshotListsDocument, VideoFactsDocument):
    isRecommend = serializers.ChoiceField(choices=["true", "false"])
    fileUrlList = serializers.ListField(child=serializers.CharField())


class SingleVideoDocument(ListedVideoDocument):
    fileUrilList = serializers.ListField(child=serializers.CharField())


class VideoListDocument(serializers.Serializer[None]):
    total = serializers.IntegerField()
    videoList = ListedVideoDocument(many=True)


class PlayDocument(serializers.Serializer[None]):
    definition = serializers.CharField()
    playURL = serializers.CharField()


class PlayInfoDocument(serializers.Serializer[None]):
    playInfoList = PlayDocument(many=True)
