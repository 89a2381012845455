package io.varve.nbd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which client may open which export. A file with one rule a line: the common name of the client's certificate, then
 * what it may open, an export's id or the name that it is asked for by; {@code *} stands for any characters. Empty
 * lines and lines that begin with {@code #} are skipped. Who has no rule may open nothing.
 *
 * <pre>
 *  # client      exports
 *  backup        snap-*
 *  host-1        vol-0123456789abcdef0 database-*
 *  operator      *
 * </pre>
 */
final class ClientRules {
    /** Every client may open everything. */
    static final ClientRules NONE = new ClientRules(List.of(new Rule("*", List.of("*"))));

    private final List<Rule> rules;

    private record Rule(String client, List<String> exports) {}

    private ClientRules(List<Rule> rules) {
        this.rules = List.copyOf(rules);
    }

    /** @throws IllegalArgumentException if a line says nothing about exports */
    static ClientRules read(Path file) throws IOException {
        List<Rule> rules = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            List<String> words = List.of(line.strip().split("\\s+"));
            if (words.size() < 2) {
                throw new IllegalArgumentException(
                        file + ": '" + line + "' names a client and no export; a rule is CLIENT EXPORT...");
            }
            rules.add(new Rule(words.get(0), words.subList(1, words.size())));
        }
        return new ClientRules(rules);
    }

    /**
     * True if a client may open an export.
     *
     * @param client the common name of its certificate; empty if it showed none
     * @param names the export's id, and the name that it is asked for by
     */
    boolean allow(String client, String... names) {
        for (Rule rule : rules) {
            if (matches(rule.client, client)) {
                for (String name : names) {
                    if (rule.exports.stream().anyMatch(pattern -> matches(pattern, name))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean matches(String pattern, String text) {
        String[] literal = pattern.split("\\*", -1);
        StringBuilder expression = new StringBuilder();
        for (int i = 0; i < literal.length; i++) {
            expression.append(i == 0 ? "" : ".*").append(Pattern.quote(literal[i]));
        }
        return Pattern.compile(expression.toString(), Pattern.DOTALL)
                .matcher(text)
                .matches();
    }
}
