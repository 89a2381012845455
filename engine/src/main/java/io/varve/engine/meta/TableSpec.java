package io.varve.engine.meta;

/**
 * What a {@link Table} is.
 *
 * @param id names the table on disk; never given to another table, 1 to 65535
 * @param rowBytes size of a row, its kind byte included; fixed for life
 * @param name for messages
 */
public record TableSpec(int id, int rowBytes, String name) {
    public TableSpec {
        if (id < 1 || id > 0xFFFF) {
            throw new IllegalArgumentException("table id " + id + " is not in 1..65535");
        }
        if (rowBytes < 1 || rowBytes > TablePageDescriptor.ROWS_BYTES) {
            throw new IllegalArgumentException(
                    "a row of " + rowBytes + " bytes is not in 1.." + TablePageDescriptor.ROWS_BYTES);
        }
    }
}
