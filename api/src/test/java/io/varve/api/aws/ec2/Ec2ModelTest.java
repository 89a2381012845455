package io.varve.api.aws.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.traits.ListTrait;

/** The registry of actions against the service model of the AWS SDK, and against what the documentation says. */
class Ec2ModelTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "aws.md");
    private static final String BEGIN = "<!-- actions: begin -->\n";
    private static final String END = "<!-- actions: end -->";
    private static final int DEPTH = 6;

    @TempDir
    Path directory;

    private Ec2Fixture ec2;

    @BeforeEach
    void start() {
        ec2 = new Ec2Fixture(directory);
    }

    @AfterEach
    void stop() {
        ec2.close();
    }

    @Test
    void everyParameterThatEc2HasIsInTheRegistry() throws ReflectiveOperationException {
        List<String> missing = new ArrayList<>();
        for (Ec2Action action : ec2.actions().all()) {
            for (String name : modelled(action.name())) {
                if (action.parameters().stream().noneMatch(parameter -> parameter.covers(name))) {
                    missing.add(action.name() + " " + name);
                }
            }
        }

        assertThat(missing).isEmpty();
    }

    @Test
    void theRegistryHasNoParameterThatEc2HasNot() throws ReflectiveOperationException {
        List<String> invented = new ArrayList<>();
        for (Ec2Action action : ec2.actions().all()) {
            List<String> modelled = modelled(action.name());
            for (Parameter parameter : action.parameters()) {
                if (modelled.stream().noneMatch(parameter::covers)) {
                    invented.add(action.name() + " " + parameter.pattern());
                }
            }
        }

        assertThat(invented).isEmpty();
    }

    private static List<String> modelled(String action) throws ReflectiveOperationException {
        String name = action.replace("VolumeIO", "VolumeIo");
        Class<?> request = Class.forName("software.amazon.awssdk.services.ec2.model." + name + "Request");
        Method builder = request.getMethod("builder");
        List<String> names = new ArrayList<>();
        collect((SdkPojo) builder.invoke(null), "", names, 0);
        return names;
    }

    private static void collect(SdkPojo pojo, String prefix, List<String> names, int depth) {
        for (SdkField<?> field : pojo.sdkFields()) {
            collect(field, prefix + field.locationName(), names, depth);
        }
    }

    private static void collect(SdkField<?> field, String name, List<String> names, int depth) {
        if (field.containsTrait(ListTrait.class)) {
            collect(field.getTrait(ListTrait.class).memberFieldInfo(), name + ".N", names, depth + 1);
        } else if (field.constructor() != null && depth < DEPTH) {
            collect(field.constructor().get(), name + ".", names, depth + 1);
        } else {
            names.add(name);
        }
    }

    /** With -Ddocs.write=true the table is written instead. */
    @Test
    void theTableInTheDocumentationIsTheRegistry() throws IOException {
        String document = Files.readString(DOCUMENT);
        int begin = document.indexOf(BEGIN) + BEGIN.length();
        int end = document.indexOf(END);
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(DOCUMENT, document.substring(0, begin) + table() + document.substring(end));
            return;
        }

        assertThat(document.substring(begin, end)).isEqualTo(table());
    }

    private String table() {
        StringBuilder table = new StringBuilder("\n| action | role | done | ignored | refused | note |\n");
        table.append("|---|---|---|---|---|---|\n");
        for (Ec2Action action : ec2.actions().all()) {
            table.append("| ")
                    .append(String.join(
                            " | ",
                            action.name(),
                            action.needs().name().toLowerCase(Locale.ROOT),
                            names(action, Parameter.Handling.DONE),
                            names(action, Parameter.Handling.IGNORED),
                            names(action, Parameter.Handling.REFUSED),
                            action.note()))
                    .append(" |\n");
        }
        return table.append('\n').toString();
    }

    /** Parameters with the same reason stand together before it. */
    private static String names(Ec2Action action, Parameter.Handling handling) {
        StringBuilder text = new StringBuilder();
        String reason = "";
        for (Parameter parameter : action.parameters()) {
            if (parameter.handling() == handling && !parameter.pattern().equals(Ec2Action.DRY_RUN)) {
                if (!reason.isEmpty() && !reason.equals(parameter.reason())) {
                    text.append(" (").append(reason).append(")");
                }
                text.append(text.isEmpty() ? "" : ", ")
                        .append('`')
                        .append(parameter.pattern())
                        .append('`');
                reason = parameter.reason();
            }
        }
        return reason.isEmpty() ? text.toString() : text + " (" + reason + ")";
    }
}
