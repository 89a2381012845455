package io.varve.api.aws.cloudwatch;

/** A request that CloudWatch would refuse. */
final class CloudWatchException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** CloudWatch's own words for it. */
    enum Code {
        INVALID_ACTION("InvalidAction", "InvalidAction"),
        INVALID_VALUE("InvalidParameterValue", "InvalidParameterValueException"),
        INVALID_COMBINATION("InvalidParameterCombination", "InvalidParameterCombinationException"),
        MISSING("MissingParameter", "MissingRequiredParameterException"),
        INVALID_TOKEN("InvalidNextToken", "InvalidNextToken");

        private final String query;
        private final String json;

        Code(String query, String json) {
            this.query = query;
            this.json = json;
        }

        String query() {
            return query;
        }

        /** The code in the JSON protocol; what is no error of the model is called the same in both. */
        static String json(String query) {
            for (Code code : values()) {
                if (code.query.equals(query)) {
                    return code.json;
                }
            }
            return query;
        }
    }

    private final Code code;

    CloudWatchException(Code code, String message) {
        super(message);
        this.code = code;
    }

    static CloudWatchException invalid(String message) {
        return new CloudWatchException(Code.INVALID_VALUE, message);
    }

    Code code() {
        return code;
    }
}
