#!/usr/bin/env python3
"""An NCP-B made of zeep (SOAP from the WSDL) and libxmlsec1 (assertions), asking our NCP-A.

It shows that a client which knows only the WSDL of OpenNCP can identify, list and retrieve, and that it can read our
XOP answers. Prints one JSON object; exits 1 when an answer is not what it must be.
"""
import argparse
import datetime
import hashlib
import json
import sys
import uuid
from pathlib import Path

import requests
import xmlsec
from lxml import etree
from zeep import Client, Settings
from zeep.transports import Transport
from zeep.xsd.types.collection import UnionType

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
HL7 = "urn:hl7-org:v3"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
URI_FORMAT = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
PERMISSION = "urn:oasis:names:tc:xspa:1.0:subject:hl7:permission"


def resolve_union(union, resolve=UnionType.resolve):
    """zeep 4.3 cannot make a union of unions, which HL7's vocabularies are: such a value is its text."""
    resolved = resolve(union)
    if resolved.item_class is UnionType:
        resolved.item_class = None
    return resolved


UnionType.resolve = resolve_union


def saml(parent, name, text=None, **attributes):
    element = etree.SubElement(parent, f"{{{SAML}}}{name}", **attributes)
    element.text = text
    return element


def attribute(statement, name, friendly, values):
    holder = saml(statement, "Attribute", Name=name, FriendlyName=friendly, NameFormat=URI_FORMAT)
    for value in values:
        cell = saml(holder, "AttributeValue")
        if isinstance(value, str):
            cell.set(f"{{{XSI}}}type", "xs:string")
            cell.text = value
        else:
            cell.append(value)


def coded(name, code, system, system_name, display):
    return etree.Element(f"{{{HL7}}}{name}", {"code": code, "codeSystem": system, "codeSystemName": system_name,
                                             "displayName": display}, nsmap={None: HL7})


class Issuer:
    """Makes and signs assertions as OpenNCP does: enveloped, exclusive C14N, RSA-SHA256, one certificate."""

    def __init__(self, key, certificate, country):
        self.key = xmlsec.Key.from_file(str(key), xmlsec.KeyFormat.PEM)
        self.key.load_cert_from_file(str(certificate), xmlsec.KeyFormat.PEM)
        self.country = country

    def _assertion(self, issuer, qualifier, hours, context, advice, attributes):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        identifier = f"_{uuid.uuid4()}"
        root = etree.Element(f"{{{SAML}}}Assertion", {"ID": identifier, "Version": "2.0", "IssueInstant": stamp(now)},
                             nsmap={"saml2": SAML, "xs": XS, "xsi": XSI})
        saml(root, "Issuer", issuer, NameQualifier=qualifier)
        signature = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
        root.append(signature)
        reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=f"#{identifier}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        data = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        xmlsec.template.x509_data_add_certificate(data)
        subject = saml(root, "Subject")
        saml(subject, "NameID", "jens.proeve@example.dk", Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
        saml(subject, "SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
        conditions = saml(root, "Conditions", NotBefore=stamp(now), NotOnOrAfter=stamp(now + datetime.timedelta(hours=hours)))
        saml(saml(conditions, "AudienceRestriction"), "Audience", "urn:ehdsi:assertions.audience:x-border")
        if advice:
            saml(saml(root, "Advice"), "AssertionIDRef", advice)
        authn = saml(root, "AuthnStatement", AuthnInstant=stamp(now))
        saml(saml(authn, "AuthnContext"), "AuthnContextClassRef", context)
        statement = saml(root, "AttributeStatement")
        for name, friendly, values in attributes:
            attribute(statement, name, friendly, values)
        xmlsec.tree.add_ids(root, ["ID"])
        signer = xmlsec.SignatureContext()
        signer.key = self.key
        signer.sign(signature)
        return root

    def hcp(self):
        permissions = [f"{PERMISSION}:{p}" for p in ("PRD-003", "PRD-005", "PRD-006", "PRD-010", "PRD-016")]
        return self._assertion(f"urn:idp:{self.country}:countryB", "urn:ehdsi:assertions:hcp", 4,
                               "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", None, [
            ("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "XSPA Subject", ["Jens Prøve"]),
            ("urn:oasis:names:tc:xacml:2.0:subject:role", "XSPA Role",
             [coded("Role", "221", "2.16.840.1.113883.2.9.6.2.7", "ISCO", "Medical Doctors")]),
            ("urn:oasis:names:tc:xspa:1.0:subject:organization", "XSPA Organization", ["Prøvehospitalet"]),
            ("urn:oasis:names:tc:xspa:1.0:subject:organization-id", "XSPA Organization ID", ["urn:hl7ii:1.2.3.4:ABCD"]),
            ("urn:ehdsi:names:subject:healthcare-facility-type", "eHealth DSI Healthcare Facility Type", ["Hospital"]),
            ("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "XSPA Purpose Of Use", [self._purpose()]),
            ("urn:oasis:names:tc:xspa:1.0:environment:locality", "XSPA Locality", ["Prøveby"]),
            (PERMISSION, "Hl7 Permissions", permissions)])

    def trc(self, hcp, patient):
        return self._assertion(f"urn:initgw:{self.country}:countryB", "urn:ehdsi:assertions:trc", 2,
                               "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession", hcp.get("ID"), [
            ("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "XSPA Subject", [patient]),
            ("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "XSPA Purpose Of Use", [self._purpose()])])

    @staticmethod
    def _purpose():
        return coded("PurposeOfUse", "TREATMENT", "3bc18518-d305-46c2-a8d6-94bd59856e9e", "eHDSI XSPA PurposeOfUse", "TREATMENT")


def security(*assertions):
    header = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
    for one in assertions:
        header.append(etree.fromstring(etree.tostring(one)))
    return header


def client(wsdl, binding, address, session):
    # strict=False: the schemas allow more than the XSD parts the WSDL imports.
    soap = Client(str(wsdl), transport=Transport(session=session, timeout=60),
                  settings=Settings(strict=False, xml_huge_tree=False))
    return soap, soap.create_service(binding, address)


def party(home):
    return {"typeCode": None, "device": {
        "classCode": "DEV", "determinerCode": "INSTANCE", "id": [{"root": home}],
        "asAgent": {"classCode": "AGNT", "representedOrganization": {
            "classCode": "ORG", "determinerCode": "INSTANCE", "id": [{"root": home}]}}}}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("wsdl", "xcpd", "xca", "tls-key", "tls-cert", "sig-key", "sig-cert", "trust", "country", "home-a", "home-b",
                 "patient-root", "patient-extension"):
        arguments.add_argument(f"--{name}", required=True)
    options = arguments.parse_args()
    session = requests.Session()
    session.trust_env = False  # neither proxies nor certificate bundles of the environment
    session.cert = (options.tls_cert, options.tls_key)
    session.verify = options.trust
    issuer = Issuer(options.sig_key, options.sig_cert, options.country)
    hcp = issuer.hcp()
    failures = []

    def check(what, good):
        print(("ok: " if good else "FAILED: ") + what, file=sys.stderr)
        if not good:
            failures.append(what)

    wsdl = Path(options.wsdl)
    _, xcpd = client(wsdl / "xcpd/XCPD_Service.wsdl", "{urn:ihe:iti:xcpd:2009}RespondingGateway_Binding_Soap12", options.xcpd, session)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S.000+0000")
    found = xcpd.RespondingGateway_PRPA_IN201305UV02(
        _soapheaders=[security(hcp)], ITSVersion="XML_1.0",
        id={"root": str(uuid.uuid4()), "extension": "4711"}, creationTime={"value": now}, versionCode={"code": "V3PR1"},
        interactionId={"root": "2.16.840.1.113883.1.6", "extension": "PRPA_IN201305UV02"}, processingCode={"code": "P"},
        processingModeCode={"code": "T"}, acceptAckCode={"code": "AL"},
        receiver=[{**party(options.home_a), "typeCode": "RCV"}], sender={**party(options.home_b), "typeCode": "SND"},
        controlActProcess={
            "classCode": "CACT", "moodCode": "EVN", "code": {"code": "PRPA_TE201305UV02", "codeSystemName": "2.16.840.1.113883.1.6"},
            "authorOrPerformer": [{"typeCode": "AUT", "assignedPerson": {"classCode": "ASSIGNED"}}],
            "queryByParameter": {
                "queryId": {"root": "1.263507841149"}, "statusCode": {"code": "new"}, "responseModalityCode": {"code": "R"},
                "responsePriorityCode": {"code": "I"}, "matchCriterionList": {},
                "parameterList": {"livingSubjectId": [{
                    "value": [{"root": options.patient_root, "extension": options.patient_extension}],
                    "semanticsText": "LivingSubject.id"}]}}})
    body = getattr(found, "body", found)
    check("the patient is found", body.acknowledgement[0].typeCode.code == "AA" and len(body.controlActProcess.subject) == 1)
    patient = body.controlActProcess.subject[0].registrationEvent.subject1.patient.id[0]
    cx = f"{patient.extension}^^^&{patient.root}&ISO"
    trc = issuer.trc(hcp, cx)

    _, xca = client(wsdl / "xca/XCA_Service.wsdl", "{urn:ihe:iti:xds-b:2007}RespondingGateway_Binding_Soap12", options.xca, session)
    slot = lambda name, value: {"name": name, "ValueList": {"_value_1": [{"Value": value}]}}
    listed = xca.RespondingGateway_CrossGatewayQuery(
        _soapheaders=[security(hcp, trc)], ResponseOption={"returnComposedObjects": True, "returnType": "LeafClass"},
        AdhocQuery={"id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", "Slot": [
            slot("$XDSDocumentEntryPatientId", f"'{cx}'"),
            slot("$XDSDocumentEntryStatus", "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"),
            slot("$XDSDocumentEntryClassCode", "('60591-5^^2.16.840.1.113883.6.1')")]})
    listed = getattr(listed, "body", listed)
    check("the list is a success", listed.status.endswith(":Success"))
    # zeep knows no substitution groups: what stands for rim:Identifiable comes as it was parsed.
    rim = {"rim": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"}
    entries = [e for e in listed.RegistryObjectList._raw_elements if etree.QName(e).localname == "ExtrinsicObject"]
    check("the list has documents", len(entries) >= 1)
    documents = []
    for entry in entries:
        unique = entry.xpath("string(rim:ExternalIdentifier[@identificationScheme="
                             "'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab']/@value)", namespaces=rim)
        repository = entry.xpath("string(rim:Slot[@name='repositoryUniqueId']//rim:Value)", namespaces=rim)
        got = xca.RespondingGateway_CrossGatewayRetrieve(
            _soapheaders=[security(hcp, trc)],
            DocumentRequest=[{"HomeCommunityId": entry.get("home"), "RepositoryUniqueId": repository, "DocumentUniqueId": unique}])
        got = getattr(got, "body", got)
        check(f"document {unique} arrives", got.RegistryResponse.status.endswith(":Success") and len(got.DocumentResponse) == 1)
        content = got.DocumentResponse[0].Document
        root = etree.fromstring(content)
        check("it is a ClinicalDocument", root.tag == f"{{{HL7}}}ClinicalDocument")
        documents.append({"id": unique, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    print(json.dumps({"documents": documents, "failed": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
