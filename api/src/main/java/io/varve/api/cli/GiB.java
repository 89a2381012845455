package io.varve.api.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A size as people write it: {@code 10GiB} or {@code 2TiB}. */
record GiB(int count) {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,6})(gib|tib)");
    private static final int GIB_PER_TIB = 1024;

    static String human(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        int unit = 0;
        double amount = bytes;
        while (amount >= GIB_PER_TIB && unit < units.length - 1) {
            amount /= GIB_PER_TIB;
            unit++;
        }
        return String.format(Locale.ROOT, amount == Math.rint(amount) ? "%.0f %s" : "%.1f %s", amount, units[unit]);
    }

    /** For picocli. */
    static final class Converter implements ITypeConverter<GiB> {
        @Override
        public GiB convert(String text) {
            Matcher matcher = TEXT.matcher(text.toLowerCase(Locale.ROOT));
            if (!matcher.matches()) {
                throw new TypeConversionException("'" + text + "' is not a size such as 10GiB or 2TiB");
            }
            int number = Integer.parseInt(matcher.group(1));
            return new GiB(matcher.group(2).equals("tib") ? number * GIB_PER_TIB : number);
        }
    }
}
