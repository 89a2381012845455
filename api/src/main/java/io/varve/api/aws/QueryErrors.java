package io.varve.api.aws;

import io.vertx.core.buffer.Buffer;
import java.io.StringWriter;
import java.util.Map;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Errors of the AWS Query protocol, which CloudWatch and what is not there are answered in. */
public final class QueryErrors {
    private static final XMLOutputFactory WRITERS = XMLOutputFactory.newInstance();
    private static final int SERVER_ERRORS = 500;

    private QueryErrors() {}

    /** ErrorResponse with Error and RequestId. */
    public static AwsAnswer answer(AwsRefusal refusal) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = WRITERS.createXMLStreamWriter(text);
            xml.writeStartElement("ErrorResponse");
            xml.writeStartElement("Error");
            element(xml, "Type", refusal.status() < SERVER_ERRORS ? "Sender" : "Receiver");
            element(xml, "Code", refusal.code());
            element(xml, "Message", Xml.clean(refusal.message()));
            xml.writeEndElement();
            element(xml, "RequestId", refusal.requestId());
            xml.writeEndElement();
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("a string cannot be written to", e);
        }
        return new AwsAnswer(refusal.status(), Map.of("Content-Type", "text/xml"), Buffer.buffer(text.toString()));
    }

    private static void element(XMLStreamWriter xml, String name, String text) throws XMLStreamException {
        xml.writeStartElement(name);
        xml.writeCharacters(text);
        xml.writeEndElement();
    }
}
