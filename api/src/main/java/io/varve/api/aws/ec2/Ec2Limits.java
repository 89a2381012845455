package io.varve.api.aws.ec2;

/** What a request can run into before an action looks at it. */
final class Ec2Limits {
    /** A thousand ids, two hundred filter values and fifty tags fit. */
    static final int PARAMETERS = 2_000;

    /** The longest name in the model has 57 characters. */
    static final int NAME_CHARS = 128;

    /** A little more than the 16 KiB of user data in Base64, the longest value that clients send. */
    static final int VALUE_CHARS = 32 << 10;

    /** Parts of a name between dots. */
    static final int DEPTH = 8;

    static final int DESCRIPTION_CHARS = 255;
    static final int DEVICE_CHARS = 64;
    static final int TAG_KEY_CHARS = 128;
    static final int TAG_VALUE_CHARS = 256;
    static final int IMAGE_NAME_CHARS = 128;

    /** The smallest page that may be asked for, as in EC2. */
    static final int LEAST_RESULTS = 5;

    private Ec2Limits() {}
}
