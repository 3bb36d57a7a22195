#!/usr/bin/env python3
"""PySAML2 and libxmlsec1 as judges of our assertions, and as makers of assertions that we must read.

  pysaml2_judge.py parse ASSERTION CERTIFICATE   parse, validate against the SAML schema, verify; print JSON
  pysaml2_judge.py issue KEY CERTIFICATE NOW     build an HCP assertion with PySAML2, sign it, print it
"""
import json
import sys
from datetime import datetime, timedelta

import xmlsec
from lxml import etree
from saml2 import ExtensionElement, saml, sigver
from saml2.xml.schema import validate as validate_schema

URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
HL7 = "urn:hl7-org:v3"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"


def verify(text, certificate):
    tree = etree.fromstring(text)
    xmlsec.tree.add_ids(tree, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(certificate, xmlsec.constants.KeyDataFormatCertPem)
    context.verify(tree.find(DSIG + "Signature"))


def parse(path, certificate):
    text = open(path, "rb").read()
    validate_schema(text.decode())
    verify(text, certificate)
    assertion = saml.assertion_from_string(text)
    attributes = {}
    for attribute in assertion.attribute_statement[0].attribute:
        values = []
        for value in attribute.attribute_value:
            coded = value.extension_elements
            values.append(coded[0].attributes["code"] if coded else value.text)
        attributes[attribute.name] = values
    json.dump({
        "id": assertion.id,
        "issuer": assertion.issuer.text,
        "qualifier": assertion.issuer.name_qualifier,
        "name_id": assertion.subject.name_id.text,
        "format": assertion.subject.name_id.format,
        "method": assertion.subject.subject_confirmation[0].method,
        "not_on_or_after": assertion.conditions.not_on_or_after,
        "audience": assertion.conditions.audience_restriction[0].audience[0].text,
        "advice": [r.text for r in assertion.advice.assertion_id_ref] if assertion.advice else [],
        "attributes": attributes,
    }, sys.stdout)


def text_attribute(name, *values):
    return saml.Attribute(name=name, name_format=URI, attribute_value=[
        saml.AttributeValue(text=value) for value in values])


def coded_attribute(name, element, code, system, display):
    coded = ExtensionElement(element, namespace=HL7, attributes={
        "code": code, "codeSystem": system, "displayName": display})
    return saml.Attribute(name=name, name_format=URI, attribute_value=[
        saml.AttributeValue(extension_elements=[coded])])


def issue(key, certificate, now):
    start = datetime.fromisoformat(now.replace("Z", "+00:00"))
    instant = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
    xspa = "urn:oasis:names:tc:xspa:1.0:"
    identifier = "_pysaml2-1"
    body = "".join(line.strip() for line in open(certificate) if not line.startswith("-----"))
    signature = sigver.pre_signature_part(
        identifier, body, 1,
        sign_alg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        digest_alg="http://www.w3.org/2001/04/xmlenc#sha256")
    assertion = saml.Assertion(
        id=identifier, version="2.0", issue_instant=instant(start),
        issuer=saml.Issuer(text="urn:idp:DK:countryB", name_qualifier="urn:ehdsi:assertions:hcp"),
        signature=signature,
        subject=saml.Subject(
            name_id=saml.NameID(text="pysaml2@hospital.example", format=saml.NAMEID_FORMAT_EMAILADDRESS),
            subject_confirmation=[saml.SubjectConfirmation(method=saml.SCM_SENDER_VOUCHES)]),
        conditions=saml.Conditions(
            not_before=instant(start), not_on_or_after=instant(start + timedelta(hours=4)),
            audience_restriction=[saml.AudienceRestriction(audience=[
                saml.Audience(text="urn:ehdsi:assertions.audience:x-border")])]),
        authn_statement=[saml.AuthnStatement(
            authn_instant=instant(start),
            authn_context=saml.AuthnContext(authn_context_class_ref=saml.AuthnContextClassRef(
                text="urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI")))],
        attribute_statement=[saml.AttributeStatement(attribute=[
            text_attribute(xspa + "subject:subject-id", "Guido P\u00e6dagog"),
            coded_attribute("urn:oasis:names:tc:xacml:2.0:subject:role", "Role", "2262",
                            "2.16.840.1.113883.2.9.6.2.7", "Pharmacists"),
            text_attribute("urn:ehdsi:names:subject:healthcare-facility-type", "Pharmacy"),
            coded_attribute(xspa + "subject:purposeofuse", "PurposeOfUse", "TREATMENT",
                            "3bc18518-d305-46c2-a8d6-94bd59856e9e", "TREATMENT"),
            text_attribute(xspa + "environment:locality", "Odense"),
            text_attribute(xspa + "subject:hl7:permission",
                           *(xspa + "subject:hl7:permission:" + p for p in ("PRD-006", "PPD-046"))),
        ])])
    tree = etree.fromstring(str(assertion).encode())
    xmlsec.tree.add_ids(tree, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(key, xmlsec.constants.KeyDataFormatPem)
    context.sign(tree.find(DSIG + "Signature"))
    sys.stdout.buffer.write(etree.tostring(tree))


if __name__ == "__main__":
    {"parse": parse, "issue": issue}[sys.argv[1]](*sys.argv[2:])
