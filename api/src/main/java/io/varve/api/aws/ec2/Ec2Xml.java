package io.varve.api.aws.ec2;

import io.varve.api.aws.Xml;
import io.vertx.core.buffer.Buffer;
import java.io.StringWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** One answer as it is written: elements in EC2's form, where a set has an {@code item} for each member. */
final class Ec2Xml {
    static final String NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

    private static final XMLOutputFactory WRITERS = XMLOutputFactory.newInstance();

    private final StringWriter text = new StringWriter();
    private final XMLStreamWriter writer;

    private Ec2Xml() throws XMLStreamException {
        writer = WRITERS.createXMLStreamWriter(text);
    }

    /** The answer to an action. */
    static Buffer response(String action, String requestId, Consumer<Ec2Xml> content) {
        return document(action + "Response", xml -> {
            xml.step(writer -> writer.writeDefaultNamespace(NAMESPACE));
            xml.text("requestId", requestId);
            content.accept(xml);
        });
    }

    /** A document with this root. */
    static Buffer document(String root, Consumer<Ec2Xml> content) {
        try {
            Ec2Xml xml = new Ec2Xml();
            xml.writer.writeStartDocument("UTF-8", "1.0");
            xml.inside(root, content);
            xml.writer.writeEndDocument();
            xml.writer.close();
            return Buffer.buffer(xml.text.toString());
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string cannot be written to", e);
        }
    }

    private interface Step {
        void on(XMLStreamWriter writer) throws XMLStreamException;
    }

    private void step(Step step) {
        try {
            step.on(writer);
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string cannot be written to", e);
        }
    }

    Ec2Xml text(String name, Object value) {
        step(to -> {
            to.writeStartElement(name);
            to.writeCharacters(Xml.clean(value instanceof Instant time ? time(time) : value.toString()));
            to.writeEndElement();
        });
        return this;
    }

    Ec2Xml text(String name, Optional<?> value) {
        value.ifPresent(present -> text(name, (Object) present));
        return this;
    }

    Ec2Xml inside(String name, Consumer<Ec2Xml> content) {
        step(to -> to.writeStartElement(name));
        content.accept(this);
        step(XMLStreamWriter::writeEndElement);
        return this;
    }

    <T> Ec2Xml set(String name, List<T> members, BiConsumer<Ec2Xml, T> content) {
        return inside(name, xml -> members.forEach(member -> inside("item", item -> content.accept(item, member))));
    }

    Ec2Xml tags(Map<String, String> tags) {
        return set(
                "tagSet",
                List.copyOf(tags.entrySet()),
                (xml, tag) -> xml.text("key", tag.getKey()).text("value", tag.getValue()));
    }

    static String time(Instant time) {
        return time.truncatedTo(ChronoUnit.MILLIS).toString();
    }
}
