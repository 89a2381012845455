package io.varve.api.control;

/** What can be wrong with a request: the name EC2 has for it where it has one, and the HTTP status. */
public enum ErrorCode {
    INVALID_PARAMETER_VALUE("InvalidParameterValue", 400),
    UNKNOWN_PARAMETER("UnknownParameter", 400),
    INVALID_PARAMETER_COMBINATION("InvalidParameterCombination", 400),
    MISSING_PARAMETER("MissingParameter", 400),
    VOLUME_MODIFICATION_SIZE_LIMIT_EXCEEDED("VolumeModificationSizeLimitExceeded", 400),
    VOLUME_MODIFICATION_RATE_EXCEEDED("VolumeModificationRateExceeded", 400),
    VALIDATION_ERROR("ValidationError", 400),
    UNSUPPORTED_OPERATION("UnsupportedOperation", 400),
    UNKNOWN_VOLUME_TYPE("UnknownVolumeType", 400),
    TAG_LIMIT_EXCEEDED("TagLimitExceeded", 400),
    IDEMPOTENT_PARAMETER_MISMATCH("IdempotentParameterMismatch", 400),
    RESOURCE_LIMIT_EXCEEDED("ResourceLimitExceeded", 400),
    FILTER_LIMIT_EXCEEDED("FilterLimitExceeded", 400),
    INVALID_NEXT_TOKEN("InvalidNextToken", 400),
    VOLUME_ID_MALFORMED("InvalidVolumeID.Malformed", 400),
    SNAPSHOT_ID_MALFORMED("InvalidSnapshotID.Malformed", 400),
    IMAGE_ID_MALFORMED("InvalidAMIID.Malformed", 400),
    INSTANCE_ID_MALFORMED("InvalidInstanceID.Malformed", 400),
    ATTACHMENT_LIMIT_EXCEEDED("AttachmentLimitExceeded", 400),
    INVALID_BLOCK_DEVICE_MAPPING("InvalidBlockDeviceMapping", 400),
    INVALID_DISK_IMAGE("InvalidDiskImage", 400),
    INVALID_BLOCK("INVALID_BLOCK", 400),
    CONFLICTING_BLOCK_UPDATE("CONFLICTING_BLOCK_UPDATE", 400),
    UNRELATED_SNAPSHOTS("UNRELATED_SNAPSHOTS", 400),
    AUTH_FAILURE("AuthFailure", 401),
    UNAUTHORIZED_OPERATION("UnauthorizedOperation", 403),
    VOLUME_NOT_FOUND("InvalidVolume.NotFound", 404),
    SNAPSHOT_NOT_FOUND("InvalidSnapshot.NotFound", 404),
    INSTANCE_NOT_FOUND("InvalidInstanceID.NotFound", 404),
    ATTACHMENT_NOT_FOUND("InvalidAttachment.NotFound", 404),
    IMAGE_NOT_FOUND("InvalidAMIID.NotFound", 404),
    RESOURCE_NOT_FOUND("InvalidResource.NotFound", 404),
    INVALID_ACTION("InvalidAction", 404),
    METHOD_NOT_ALLOWED("MethodNotAllowed", 405),
    VOLUME_IN_USE("VolumeInUse", 409),
    SNAPSHOT_IN_USE("InvalidSnapshot.InUse", 409),
    INSTANCE_ID_DUPLICATE("InvalidInstanceID.Duplicate", 409),
    INCORRECT_INSTANCE_STATE("IncorrectInstanceState", 409),
    FILE_DUPLICATE("InvalidFile.Duplicate", 409),
    IMAGE_UNAVAILABLE("InvalidAMIID.Unavailable", 409),
    IMAGE_NAME_DUPLICATE("InvalidAMIName.Duplicate", 409),
    OPERATION_NOT_PERMITTED("OperationNotPermitted", 409),
    INCORRECT_MODIFICATION_STATE("IncorrectModificationState", 409),
    INCORRECT_STATE("IncorrectState", 409),
    PRECONDITION_FAILED("PreconditionFailed", 412),
    REQUEST_TOO_LARGE("RequestTooLarge", 413),
    UNSUPPORTED_MEDIA_TYPE("UnsupportedMediaType", 415),
    REQUEST_LIMIT_EXCEEDED("RequestLimitExceeded", 503),
    INTERNAL_ERROR("InternalError", 500),
    UNAVAILABLE("Unavailable", 503),
    INSUFFICIENT_VOLUME_CAPACITY("InsufficientVolumeCapacity", 507);

    private final String code;
    private final int status;

    ErrorCode(String code, int status) {
        this.code = code;
        this.status = status;
    }

    /** The name that goes over the wire. */
    public String code() {
        return code;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }
}
