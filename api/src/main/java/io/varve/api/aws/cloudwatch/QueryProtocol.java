package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.Echo;
import io.varve.api.aws.QueryErrors;
import io.varve.api.aws.SignedRequest;
import io.varve.api.aws.Xml;
import io.vertx.core.buffer.Buffer;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Form parameters whose names are paths, answered in XML. */
final class QueryProtocol implements Protocol {
    private static final String NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/";
    private static final String MEMBER = "member";
    private static final XMLOutputFactory WRITERS = XMLOutputFactory.newInstance();

    /** 500 queries of one metric with its dimensions fit. */
    private static final int PARAMETERS = 10_000;

    private static final int DEPTH = 16;

    @Override
    public String action(SignedRequest request) {
        return form(request).getOrDefault("Action", List.of("")).get(0);
    }

    private static Map<String, List<String>> form(SignedRequest request) {
        try {
            return new QueryStringDecoder(
                            request.body().toString(), StandardCharsets.UTF_8, false, PARAMETERS + 1, true)
                    .parameters();
        } catch (IllegalArgumentException e) {
            throw invalid("the body is refused: a % in it is followed by no two hexadecimal digits");
        }
    }

    @Override
    public Fields fields(SignedRequest request) {
        Map<String, List<String>> form = form(request);
        if (form.size() > PARAMETERS) {
            throw invalid("more than %d parameters are refused".formatted(PARAMETERS));
        }
        Map<String, Object> root = new TreeMap<>();
        form.forEach((name, values) -> {
            if (values.size() > 1) {
                throw invalid("%s is refused: it is given %d times".formatted(Echo.quoted(name), values.size()));
            }
            put(root, name, values.get(0));
        });
        Map<String, Object> fields = new TreeMap<>();
        root.forEach((name, value) -> fields.put(name, listed(value)));
        return new Fields("", fields);
    }

    private static void put(Map<String, Object> root, String name, String value) {
        String[] path = name.split("\\.", -1);
        if (path.length > DEPTH) {
            throw invalid("%s is refused: it has more than %d parts".formatted(Echo.quoted(name), DEPTH));
        }
        Map<String, Object> at = root;
        for (int i = 0; i < path.length - 1; i++) {
            at = inner(at.computeIfAbsent(path[i], part -> new TreeMap<String, Object>()), name);
        }
        if (at.putIfAbsent(path[path.length - 1], value) != null) {
            throw invalid(Echo.quoted(name) + " is refused: it is a text and a structure");
        }
    }

    @SuppressWarnings("unchecked") // only put() makes them
    private static Map<String, Object> inner(Object value, String name) {
        if (value instanceof Map) {
            return (Map<String, Object>) value;
        }
        throw invalid(Echo.quoted(name) + " is refused: it is a text and a structure");
    }

    /** What consists of members is a list, in the order of their numbers. */
    private static Object listed(Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            return value;
        }
        if (map.size() == 1 && map.get(MEMBER) instanceof Map<?, ?> members) {
            Map<Integer, Object> ordered = new TreeMap<>();
            members.forEach((number, member) -> {
                if (!number.toString().matches("[1-9][0-9]{0,5}")) {
                    throw invalid("member." + Echo.quoted(number.toString()) + " is refused: members have numbers");
                }
                ordered.put(Integer.valueOf(number.toString()), listed(member));
            });
            return new ArrayList<>(ordered.values());
        }
        Map<String, Object> structure = new TreeMap<>();
        map.forEach((name, inner) -> structure.put(name.toString(), listed(inner)));
        return structure;
    }

    @Override
    public AwsAnswer answer(String action, Map<String, Object> result, String requestId) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = WRITERS.createXMLStreamWriter(text);
            xml.writeStartElement(action + "Response");
            xml.writeDefaultNamespace(NAMESPACE);
            element(xml, action + "Result", result);
            element(xml, "ResponseMetadata", Map.of("RequestId", requestId));
            xml.writeEndElement();
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string cannot be written to", e);
        }
        return new AwsAnswer(200, Map.of("Content-Type", "text/xml"), Buffer.buffer(text.toString()));
    }

    private static void element(XMLStreamWriter xml, String name, Object value) throws XMLStreamException {
        xml.writeStartElement(name);
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                element(xml, entry.getKey().toString(), entry.getValue());
            }
        } else if (value instanceof List<?> list) {
            for (Object member : list) {
                element(xml, MEMBER, member);
            }
        } else {
            xml.writeCharacters(Xml.clean(value.toString()));
        }
        xml.writeEndElement();
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        return QueryErrors.answer(refusal);
    }
}
