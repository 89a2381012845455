package io.varve.api.aws.ec2;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.traits.ListTrait;

/** Holds answers against the service model of the AWS SDK: every element is one that clients look for there. */
final class Ec2ResponseCheck {
    /** What EC2 sends besides what its model says. */
    private static final List<String> BESIDES = List.of("requestId", "return");

    private Ec2ResponseCheck() {}

    /** Where the answer has something that the model has not, or has it in another form. */
    static List<String> unknown(String action, Buffer answer) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            Element root = factory.newDocumentBuilder()
                    .parse(new ByteArrayInputStream(answer.getBytes()))
                    .getDocumentElement();
            List<String> unknown = new ArrayList<>();
            if (!root.getTagName().equals(action + "Response")) {
                unknown.add(root.getTagName());
            }
            String name = action.replace("VolumeIO", "VolumeIo");
            Class<?> response = Class.forName("software.amazon.awssdk.services.ec2.model." + name + "Response");
            SdkPojo model = (SdkPojo) response.getMethod("builder").invoke(null);
            for (Element child : children(root)) {
                if (!BESIDES.contains(child.getTagName())) {
                    check(child, model, child.getTagName(), unknown);
                }
            }
            return unknown;
        } catch (ParserConfigurationException | SAXException | IOException | ReflectiveOperationException e) {
            throw new AssertionError("the answer to " + action + " cannot be read: " + answer, e);
        }
    }

    private static List<Element> children(Element element) {
        List<Element> children = new ArrayList<>();
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                children.add(child);
            }
        }
        return children;
    }

    private static void check(Element element, SdkPojo within, String path, List<String> unknown) {
        SdkField<?> field = within.sdkFields().stream()
                .filter(one -> one.unmarshallLocationName().equals(element.getTagName()))
                .findFirst()
                .orElse(null);
        if (field == null) {
            unknown.add(path);
        } else {
            check(element, field, path, unknown);
        }
    }

    private static void check(Element element, SdkField<?> field, String path, List<String> unknown) {
        if (field.containsTrait(ListTrait.class)) {
            SdkField<?> member = field.getTrait(ListTrait.class).memberFieldInfo();
            for (Element item : children(element)) {
                if (!item.getTagName().equals("item")) {
                    unknown.add(path + "." + item.getTagName());
                }
                check(item, member, path + ".item", unknown);
            }
        } else if (field.constructor() != null) {
            SdkPojo pojo = field.constructor().get();
            children(element).forEach(child -> check(child, pojo, path + "." + child.getTagName(), unknown));
        } else if (!children(element).isEmpty()) {
            unknown.add(path + " has children");
        }
    }
}
