package interop;

import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

import javax.activation.DataHandler;
import javax.net.ssl.SSLContext;
import javax.xml.namespace.QName;

import org.apache.axiom.om.OMAbstractFactory;
import org.apache.axiom.om.OMElement;
import org.apache.axiom.om.OMText;
import org.apache.axiom.om.OMXMLBuilderFactory;
import org.apache.axiom.soap.SOAP12Constants;
import org.apache.axiom.soap.SOAPFactory;
import org.apache.axiom.soap.SOAPHeaderBlock;
import org.apache.axis2.AxisFault;
import org.apache.axis2.Constants;
import org.apache.axis2.addressing.AddressingConstants;
import org.apache.axis2.addressing.EndpointReference;
import org.apache.axis2.client.Options;
import org.apache.axis2.client.ServiceClient;
import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.ConfigurationContextFactory;
import org.apache.axis2.kernel.http.HTTPConstants;
import org.apache.http.client.HttpClient;
import org.apache.http.conn.ssl.SSLConnectionSocketFactory;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.ssl.SSLContextBuilder;
import org.w3c.dom.Element;

/**
 * An NCP-B on OpenNCP's own stack: identifies a patient, asks for the list, retrieves the summary by MTOM, and then tries
 * what an honest client must not get away with. Prints one JSON object; exits 1 when the server answered otherwise than it
 * must.
 */
public final class Main {
    private static final String HL7 = "urn:hl7-org:v3";
    private static final String WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    private static final String XDS = "urn:ihe:iti:xds-b:2007";
    private static final String RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0";
    private static final String RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0";

    private final Map<String, String> arguments = new HashMap<>();
    private final ConfigurationContext context;
    private final HttpClient http;
    private int failed;

    private Main(String[] args) throws Exception {
        for (int i = 0; i + 1 < args.length; i += 2) {
            arguments.put(args[i].substring(2), args[i + 1]);
        }
        SSLContext tls = SSLContextBuilder.create()
            .loadKeyMaterial(Pem.identity(path("tls-key"), path("tls-cert")), new char[0])
            .loadTrustMaterial(Pem.trust(path("trust")), null)
            .build();
        http = HttpClients.custom().setSSLSocketFactory(new SSLConnectionSocketFactory(tls)).build();
        context = ConfigurationContextFactory.createConfigurationContextFromFileSystem(null, null);
    }

    public static void main(String[] args) throws Exception {
        Main main = new Main(args);
        main.run();
        System.exit(main.failed == 0 ? 0 : 1);
    }

    private void run() throws Exception {
        Assertions assertions = new Assertions(Pem.certificates(path("sig-cert")).get(0), Pem.key(path("sig-key")), arguments.get("country"));
        Element hcp = assertions.hcp();

        OMElement found = call("xcpd", "urn:hl7-org:v3:PRPA_IN201305UV02:CrossGatewayPatientDiscovery", false, discovery(), hcp);
        OMElement subject = first(found, HL7, "registrationEvent");
        check("a patient is found", subject != null, found);
        OMElement patient = first(found, HL7, "patient");
        OMElement id = patient.getFirstChildWithName(new QName(HL7, "id"));
        String root = id.getAttributeValue(new QName("root"));
        String extension = id.getAttributeValue(new QName("extension"));
        String cx = extension + "^^^&" + root + "&ISO";

        Element trc = assertions.trc(hcp, cx);
        OMElement list = call("xca", "urn:ihe:iti:2007:CrossGatewayQuery", false, query(cx), hcp, trc);
        check("the list is a success", status(list).endsWith(":Success"), list);
        OMElement object = first(list, RIM, "ExtrinsicObject");
        check("the list has a document", object != null, list);
        String unique = null;
        String repository = null;
        for (Iterator<?> i = object.getChildrenWithName(new QName(RIM, "ExternalIdentifier")); i.hasNext();) {
            OMElement identifier = (OMElement) i.next();
            if ("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab".equals(identifier.getAttributeValue(new QName("identificationScheme")))) {
                unique = identifier.getAttributeValue(new QName("value"));
            }
        }
        for (Iterator<?> i = object.getChildrenWithName(new QName(RIM, "Slot")); i.hasNext();) {
            OMElement slot = (OMElement) i.next();
            if ("repositoryUniqueId".equals(slot.getAttributeValue(new QName("name")))) {
                repository = first(slot, RIM, "Value").getText();
            }
        }
        String home = object.getAttributeValue(new QName("home"));

        OMElement retrieved = call("xca", "urn:ihe:iti:2007:CrossGatewayRetrieve", true, retrieve(home, repository, unique), hcp, trc);
        OMElement document = first(retrieved, XDS, "Document");
        check("a document arrives", document != null, retrieved);
        OMText text = (OMText) document.getFirstOMChild();
        text.setOptimize(true);
        DataHandler handler = (DataHandler) text.getDataHandler();
        byte[] bytes;
        try (InputStream in = handler.getInputStream()) {
            bytes = in.readAllBytes();
        }
        System.out.printf("{\"document\":\"%s\",\"bytes\":%d,\"sha256\":\"%s\"}%n", unique, bytes.length,
            HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));

        OMElement missing = call("xca", "urn:ihe:iti:2007:CrossGatewayRetrieve", true, retrieve(home, repository, unique + ".none"), hcp, trc);
        check("an unknown document is not there", first(missing, XDS, "Document") == null && first(missing, RS, "RegistryError") != null, missing);
        Element other = assertions.trc(hcp, "x" + cx);
        OMElement wrong = call("xca", "urn:ihe:iti:2007:CrossGatewayQuery", false, query(cx), hcp, other);
        check("a TRC for another patient gets no list", first(wrong, RIM, "ExtrinsicObject") == null, wrong);
        Element tampered = (Element) hcp.cloneNode(true);
        tampered.getElementsByTagNameNS("urn:oasis:names:tc:SAML:2.0:assertion", "NameID").item(0).setTextContent("eve@example.org");
        OMElement refused = call("xcpd", "urn:hl7-org:v3:PRPA_IN201305UV02:CrossGatewayPatientDiscovery", false, discovery(), tampered);
        check("a changed assertion finds nobody", first(refused, HL7, "registrationEvent") == null && first(refused, HL7, "acknowledgementDetail") != null, refused);
    }

    private void check(String what, boolean good, OMElement answer) {
        if (!good) {
            failed++;
            System.err.println("FAILED: " + what + "\n" + answer);
            if (answer == null || first(answer, HL7, "patient") == null && what.startsWith("a patient")) {
                System.exit(1);
            }
        } else {
            System.err.println("ok: " + what);
        }
    }

    private OMElement call(String service, String action, boolean mtom, OMElement body, Element... assertions) throws AxisFault {
        ServiceClient client = new ServiceClient(context, null);
        Options options = client.getOptions();
        options.setTo(new EndpointReference(arguments.get(service)));
        options.setAction(action);
        options.setMessageId("urn:uuid:" + UUID.randomUUID());
        options.setSoapVersionURI(SOAP12Constants.SOAP_ENVELOPE_NAMESPACE_URI);
        options.setTimeOutInMilliSeconds(60_000);
        options.setProperty(HTTPConstants.CACHED_HTTP_CLIENT, http);
        options.setProperty(HTTPConstants.REUSE_HTTP_CLIENT, Boolean.TRUE);
        options.setProperty(AddressingConstants.INCLUDE_OPTIONAL_HEADERS, Boolean.TRUE);
        if (mtom) {
            options.setProperty(Constants.Configuration.ENABLE_MTOM, Constants.VALUE_TRUE);
        }
        client.engageModule("addressing");
        SOAPFactory soap = OMAbstractFactory.getSOAP12Factory();
        SOAPHeaderBlock security = soap.createSOAPHeaderBlock("Security", soap.createOMNamespace(WSSE, "wsse"));
        for (Element assertion : assertions) {
            security.addChild(OMXMLBuilderFactory.createOMBuilder(new javax.xml.transform.dom.DOMSource(assertion)).getDocumentElement());
        }
        client.addHeader(security);
        try {
            OMElement answer = client.sendReceive(body);
            answer.buildWithAttachments();
            return answer;
        } finally {
            client.cleanupTransport();
        }
    }

    private OMElement discovery() {
        String now = DateTimeFormatter.ofPattern("yyyyMMddHHmmss.SSS'+0000'").withZone(ZoneOffset.UTC).format(Instant.now());
        String device = "<%s typeCode=\"%s\"><device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"%s\"/>"
            + "<asAgent classCode=\"AGNT\"><representedOrganization classCode=\"ORG\" determinerCode=\"INSTANCE\"><id root=\"%s\"/>"
            + "</representedOrganization></asAgent></device></%s>";
        String a = arguments.get("home-a");
        String b = arguments.get("home-b");
        return parse("<PRPA_IN201305UV02 xmlns=\"urn:hl7-org:v3\" ITSVersion=\"XML_1.0\"><id root=\"" + UUID.randomUUID()
            + "\" extension=\"" + Math.abs(new Random().nextInt()) + "\"/><creationTime value=\"" + now + "\"/><versionCode code=\"V3PR1\"/>"
            + "<interactionId root=\"2.16.840.1.113883.1.6\" extension=\"PRPA_IN201305UV02\"/><processingCode code=\"P\"/>"
            + "<processingModeCode code=\"T\"/><acceptAckCode code=\"AL\"/>"
            + device.formatted("receiver", "RCV", a, a, "receiver") + device.formatted("sender", "SND", b, b, "sender")
            + "<controlActProcess classCode=\"CACT\" moodCode=\"EVN\"><code code=\"PRPA_TE201305UV02\" codeSystemName=\"2.16.840.1.113883.1.6\"/>"
            + "<authorOrPerformer typeCode=\"AUT\"><assignedPerson classCode=\"ASSIGNED\"/></authorOrPerformer>"
            + "<queryByParameter><queryId root=\"1.263507841149\"/><statusCode code=\"new\"/><responseModalityCode code=\"R\"/>"
            + "<responsePriorityCode code=\"I\"/><matchCriterionList/><parameterList><livingSubjectId><value root=\"" + arguments.get("patient-root")
            + "\" extension=\"" + arguments.get("patient-extension") + "\"/><semanticsText>LivingSubject.id</semanticsText></livingSubjectId>"
            + "</parameterList></queryByParameter></controlActProcess></PRPA_IN201305UV02>");
    }

    private static OMElement query(String cx) {
        return parse("<query:AdhocQueryRequest xmlns:query=\"urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0\" xmlns:rim=\"" + RIM + "\">"
            + "<query:ResponseOption returnComposedObjects=\"true\" returnType=\"LeafClass\"/><rim:AdhocQuery id=\"urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d\">"
            + slot("$XDSDocumentEntryPatientId", "'" + cx.replace("&", "&amp;") + "'")
            + slot("$XDSDocumentEntryStatus", "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')")
            + slot("$XDSDocumentEntryClassCode", "('60591-5^^2.16.840.1.113883.6.1')")
            + "</rim:AdhocQuery></query:AdhocQueryRequest>");
    }

    private static OMElement retrieve(String home, String repository, String document) {
        return parse("<xds:RetrieveDocumentSetRequest xmlns:xds=\"" + XDS + "\"><xds:DocumentRequest><xds:HomeCommunityId>" + home
            + "</xds:HomeCommunityId><xds:RepositoryUniqueId>" + repository + "</xds:RepositoryUniqueId><xds:DocumentUniqueId>" + document
            + "</xds:DocumentUniqueId></xds:DocumentRequest></xds:RetrieveDocumentSetRequest>");
    }

    private static String slot(String name, String value) {
        return "<rim:Slot name=\"" + name + "\"><rim:ValueList><rim:Value>" + value + "</rim:Value></rim:ValueList></rim:Slot>";
    }

    private static OMElement parse(String xml) {
        return OMXMLBuilderFactory.createOMBuilder(new StringReader(xml)).getDocumentElement();
    }

    private static String status(OMElement answer) {
        String status = answer.getAttributeValue(new QName("status"));
        return status == null ? "" : status;
    }

    private static OMElement first(OMElement from, String namespace, String name) {
        if (name.equals(from.getLocalName()) && from.getNamespace() != null && namespace.equals(from.getNamespaceURI())) {
            return from;
        }
        for (Iterator<?> i = from.getChildElements(); i.hasNext();) {
            OMElement hit = first((OMElement) i.next(), namespace, name);
            if (hit != null) {
                return hit;
            }
        }
        return null;
    }

    private Path path(String argument) {
        return Path.of(arguments.get(argument));
    }
}
