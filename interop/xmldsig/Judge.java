// The JDK's own XML Signature implementation as signer and verifier, with secure validation.
// Reads tasks from standard input, one a line, tab-separated, and answers each with one line:
//   verify FILE CERT                       -> good | bad: REASON
//   sign IN OUT KEY CERT ALGORITHM ID|""   -> good | bad: REASON
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.*;
import java.util.*;
import javax.xml.crypto.*;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.keyinfo.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.*;
import javax.xml.transform.*;
import javax.xml.transform.dom.*;
import javax.xml.transform.stream.*;
import org.w3c.dom.*;

public class Judge {
    static final XMLSignatureFactory FACTORY = XMLSignatureFactory.getInstance("DOM");

    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null;) {
            String[] t = line.split("\t", -1);
            String answer;
            try {
                answer = t[0].equals("verify") ? verify(t[1], t[2]) : sign(t[1], t[2], t[3], t[4], t[5], t[6]);
            } catch (Exception e) {
                answer = "bad: " + e;
            }
            System.out.println(answer.replace('\n', ' '));
            System.out.flush();
        }
    }

    static Document parse(String file) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = factory.newDocumentBuilder().parse(new File(file));
        for (String name : new String[] {"ID", "Id"})
            if (document.getDocumentElement().hasAttribute(name))
                document.getDocumentElement().setIdAttribute(name, true);
        return document;
    }

    static X509Certificate certificate(String file) throws Exception {
        try (var in = new FileInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    static String verify(String file, String cert) throws Exception {
        Document document = parse(file);
        NodeList found = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        if (found.getLength() != 1) return "bad: not one signature";
        var context = new DOMValidateContext(certificate(cert).getPublicKey(), found.item(0));
        context.setProperty("org.jcp.xml.dsig.secureValidation", true);
        return FACTORY.unmarshalXMLSignature(context).validate(context) ? "good" : "bad: does not verify";
    }

    static String sign(String in, String out, String key, String cert, String algorithm, String id) throws Exception {
        Document document = parse(in);
        String pem = Files.readString(Path.of(key)).replaceAll("-----[^-]+-----|\\s", "");
        var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
        PrivateKey secret = KeyFactory.getInstance(algorithm.contains("ecdsa") ? "EC" : "RSA").generatePrivate(spec);
        var transforms = List.of(
            FACTORY.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
            FACTORY.newTransform(CanonicalizationMethod.EXCLUSIVE, (TransformParameterSpec) null));
        var reference = FACTORY.newReference(id.isEmpty() ? "" : "#" + id,
            FACTORY.newDigestMethod(DigestMethod.SHA256, null), transforms, null, null);
        var info = FACTORY.newSignedInfo(
            FACTORY.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null),
            FACTORY.newSignatureMethod(algorithm, null), List.of(reference));
        var keys = FACTORY.getKeyInfoFactory();
        var keyInfo = keys.newKeyInfo(List.of(keys.newX509Data(List.of(certificate(cert)))));
        var context = new DOMSignContext(secret, document.getDocumentElement());
        FACTORY.newXMLSignature(info, keyInfo).sign(context);
        var transformer = TransformerFactory.newInstance().newTransformer();
        try (var stream = new FileOutputStream(out)) {
            transformer.transform(new DOMSource(document), new StreamResult(stream));
        }
        return "good";
    }
}
