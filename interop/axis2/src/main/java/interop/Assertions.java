package interop;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.UUID;

import javax.xml.namespace.QName;

import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;
import org.opensaml.core.config.InitializationService;
import org.opensaml.core.xml.XMLObject;
import org.opensaml.core.xml.XMLObjectBuilderFactory;
import org.opensaml.core.xml.config.XMLObjectProviderRegistrySupport;
import org.opensaml.core.xml.schema.XSAny;
import org.opensaml.core.xml.schema.XSString;
import org.opensaml.saml.common.SAMLVersion;
import org.opensaml.saml.saml2.core.*;
import org.opensaml.security.x509.BasicX509Credential;
import org.opensaml.xmlsec.keyinfo.impl.X509KeyInfoGeneratorFactory;
import org.opensaml.xmlsec.signature.Signature;
import org.opensaml.xmlsec.signature.support.SignatureConstants;
import org.opensaml.xmlsec.signature.support.Signer;
import org.w3c.dom.Element;

/** HCP identity and TRC assertions as OpenNCP makes them, made and signed by OpenSAML. */
final class Assertions {
    private static final String HL7 = "urn:hl7-org:v3";
    private static final String URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
    private static final String PERMISSION = "urn:oasis:names:tc:xspa:1.0:subject:hl7:permission";

    private final XMLObjectBuilderFactory factory;
    private final X509Certificate certificate;
    private final PrivateKey key;
    private final String country;

    Assertions(X509Certificate certificate, PrivateKey key, String country) throws Exception {
        InitializationService.initialize();
        this.factory = XMLObjectProviderRegistrySupport.getBuilderFactory();
        this.certificate = certificate;
        this.key = key;
        this.country = country;
    }

    Element hcp() throws Exception {
        Assertion a = skeleton("urn:idp:" + country + ":countryB", "urn:ehdsi:assertions:hcp", 4,
            "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI");
        AttributeStatement s = build(AttributeStatement.DEFAULT_ELEMENT_NAME);
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "XSPA Subject", string("Jens Prøve")));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xacml:2.0:subject:role", "XSPA Role",
            coded("Role", "221", "2.16.840.1.113883.2.9.6.2.7", "ISCO", "Medical Doctors")));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:organization", "XSPA Organization", string("Prøvehospitalet")));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:organization-id", "XSPA Organization ID", string("urn:hl7ii:1.2.3.4:ABCD")));
        s.getAttributes().add(attribute("urn:ehdsi:names:subject:healthcare-facility-type", "eHealth DSI Healthcare Facility Type", string("Hospital")));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "XSPA Purpose Of Use", purpose()));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:environment:locality", "XSPA Locality", string("Prøveby")));
        XMLObject[] permissions = new XMLObject[4];
        int n = 0;
        for (String p : new String[] {"PRD-003", "PRD-005", "PRD-006", "PRD-010"}) {
            permissions[n++] = string(PERMISSION + ":" + p);
        }
        Attribute rights = attribute(PERMISSION, "Hl7 Permissions", permissions);
        rights.getAttributeValues().add(string(PERMISSION + ":PRD-016"));
        s.getAttributes().add(rights);
        a.getAttributeStatements().add(s);
        return sign(a);
    }

    Element trc(Element hcp, String patientCx) throws Exception {
        Assertion a = skeleton("urn:initgw:" + country + ":countryB", "urn:ehdsi:assertions:trc", 2,
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession");
        Advice advice = build(Advice.DEFAULT_ELEMENT_NAME);
        AssertionIDRef reference = build(AssertionIDRef.DEFAULT_ELEMENT_NAME);
        reference.setAssertionID(hcp.getAttribute("ID"));
        advice.getAssertionIDReferences().add(reference);
        a.setAdvice(advice);
        AttributeStatement s = build(AttributeStatement.DEFAULT_ELEMENT_NAME);
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "XSPA Subject", string(patientCx)));
        s.getAttributes().add(attribute("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "XSPA Purpose Of Use", purpose()));
        a.getAttributeStatements().add(s);
        return sign(a);
    }

    private Assertion skeleton(String issuerName, String qualifier, int hours, String context) {
        DateTime now = new DateTime(DateTimeZone.UTC);
        Assertion a = build(Assertion.DEFAULT_ELEMENT_NAME);
        a.setID("_" + UUID.randomUUID());
        a.setVersion(SAMLVersion.VERSION_20);
        a.setIssueInstant(now);
        Issuer issuer = build(Issuer.DEFAULT_ELEMENT_NAME);
        issuer.setNameQualifier(qualifier);
        issuer.setValue(issuerName);
        a.setIssuer(issuer);
        NameID name = build(NameID.DEFAULT_ELEMENT_NAME);
        name.setFormat(NameID.EMAIL);
        name.setValue("jens.proeve@example.dk");
        SubjectConfirmation confirmation = build(SubjectConfirmation.DEFAULT_ELEMENT_NAME);
        confirmation.setMethod(SubjectConfirmation.METHOD_SENDER_VOUCHES);
        Subject subject = build(Subject.DEFAULT_ELEMENT_NAME);
        subject.setNameID(name);
        subject.getSubjectConfirmations().add(confirmation);
        a.setSubject(subject);
        Audience audience = build(Audience.DEFAULT_ELEMENT_NAME);
        audience.setAudienceURI("urn:ehdsi:assertions.audience:x-border");
        AudienceRestriction restriction = build(AudienceRestriction.DEFAULT_ELEMENT_NAME);
        restriction.getAudiences().add(audience);
        Conditions conditions = build(Conditions.DEFAULT_ELEMENT_NAME);
        conditions.setNotBefore(now);
        conditions.setNotOnOrAfter(now.plusHours(hours));
        conditions.getAudienceRestrictions().add(restriction);
        a.setConditions(conditions);
        AuthnContextClassRef classRef = build(AuthnContextClassRef.DEFAULT_ELEMENT_NAME);
        classRef.setAuthnContextClassRef(context);
        AuthnContext authnContext = build(AuthnContext.DEFAULT_ELEMENT_NAME);
        authnContext.setAuthnContextClassRef(classRef);
        AuthnStatement authn = build(AuthnStatement.DEFAULT_ELEMENT_NAME);
        authn.setAuthnInstant(now);
        authn.setAuthnContext(authnContext);
        a.getAuthnStatements().add(authn);
        return a;
    }

    private Element sign(Assertion a) throws Exception {
        BasicX509Credential credential = new BasicX509Credential(certificate, key);
        X509KeyInfoGeneratorFactory keyInfo = new X509KeyInfoGeneratorFactory();
        keyInfo.setEmitEntityCertificate(true);
        Signature signature = build(Signature.DEFAULT_ELEMENT_NAME);
        signature.setSigningCredential(credential);
        signature.setSignatureAlgorithm(SignatureConstants.ALGO_ID_SIGNATURE_RSA_SHA256);
        signature.setCanonicalizationAlgorithm(SignatureConstants.ALGO_ID_C14N_EXCL_OMIT_COMMENTS);
        signature.setKeyInfo(keyInfo.newInstance().generate(credential));
        a.setSignature(signature);
        Element dom = XMLObjectProviderRegistrySupport.getMarshallerFactory().getMarshaller(a).marshall(a);
        Signer.signObject(signature);
        return dom;
    }

    private Attribute attribute(String name, String friendly, XMLObject... values) {
        Attribute attribute = build(Attribute.DEFAULT_ELEMENT_NAME);
        attribute.setName(name);
        attribute.setFriendlyName(friendly);
        attribute.setNameFormat(URI);
        for (XMLObject value : values) {
            attribute.getAttributeValues().add(value);
        }
        return attribute;
    }

    private XSString string(String value) {
        XSString s = (XSString) factory.getBuilder(XSString.TYPE_NAME)
            .buildObject(AttributeValue.DEFAULT_ELEMENT_NAME, XSString.TYPE_NAME);
        s.setValue(value);
        return s;
    }

    private XSAny purpose() {
        return coded("PurposeOfUse", "TREATMENT", "3bc18518-d305-46c2-a8d6-94bd59856e9e", "eHDSI XSPA PurposeOfUse", "TREATMENT");
    }

    private XSAny coded(String element, String code, String system, String systemName, String display) {
        XSAny value = (XSAny) factory.getBuilder(XSAny.TYPE_NAME).buildObject(AttributeValue.DEFAULT_ELEMENT_NAME);
        XSAny inner = (XSAny) factory.getBuilder(XSAny.TYPE_NAME).buildObject(HL7, element, "");
        inner.getUnknownAttributes().put(new QName("code"), code);
        inner.getUnknownAttributes().put(new QName("codeSystem"), system);
        inner.getUnknownAttributes().put(new QName("codeSystemName"), systemName);
        inner.getUnknownAttributes().put(new QName("displayName"), display);
        value.getUnknownXMLObjects().add(inner);
        return value;
    }

    @SuppressWarnings("unchecked")
    private <T extends XMLObject> T build(QName name) {
        return (T) factory.getBuilder(name).buildObject(name);
    }
}
