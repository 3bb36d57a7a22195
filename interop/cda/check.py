#!/usr/bin/env python3
"""Holds clinical documents against the document rules of the eHDSI profile, on lxml.

An independent second opinion: written from the profile's text and not from `konfido cda check`, whose verdicts a
test compares with these. Prints one JSON object: {file: {"findings": [[rule, path], ...]} or {"refused": reason}}.

    interop/cda/check.py FILE...
"""

import base64
import binascii
import datetime
import json
import re
import sys

from lxml import etree

V3, PHARM, EPSOS, XSI = ("urn:hl7-org:v3", "urn:hl7-org:pharm", "urn:epsos-org:ep:medication",
                         "http://www.w3.org/2001/XMLSchema-instance")
EHDSI = "1.3.6.1.4.1.12559.11.10.1.3.1."
LOINC, SNOMED, ABSENT = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96", "2.16.840.1.113883.5.1150.1"
PCC = "1.3.6.1.4.1.19376.1.5.3.1."
CCD = "2.16.840.1.113883.10.20.1."

# type code -> (kind, template arc of level 3, of level 1)
TYPES = {"60591-5": ("PS", "3", "7"), "57833-6": ("EP", "1", "6"), "60593-1": ("ED", "2", "2"),
         "11502-2": ("ORCD", "8", "8"), "34105-7": ("ORCD", "9", "9"), "18748-4": ("ORCD", "10", "10"),
         "x-clinical-image": ("IMAGES", None, None), "DISCARD-60593-1": ("DISCARD", "2-DISCARD", "2-DISCARD")}

# section code -> (template arc, older templates, entry arcs, older entry templates)
SECTIONS = {
    "48765-2": ("12", [PCC + "3.13", CCD + "2"], ["16"], [PCC + "4.5.3"]),
    "10160-0": ("3", [PCC + "3.19", CCD + "8"], ["4"], [PCC + "4.7", CCD + "24"]),
    "11450-4": ("9", [PCC + "3.6", CCD + "11"], ["15"], [PCC + "4.5.2"]),
    "46264-8": ("4", [CCD + "7", PCC + "1.5.3.5"], ["5"], []),
    "47519-4": ("11", [PCC + "3.11", PCC + "3.12", CCD + "12"], ["26"], [PCC + "4.19"]),
    "10162-6": ("7", [PCC + "1.5.3.4"], ["45", "46", "47", "24"], []),
    "11348-0": ("10", [PCC + "3.8"], ["15"], [PCC + "4.5.2"]),
    "11369-6": ("15", [PCC + "3.23", CCD + "6"], ["19"], [PCC + "4.12"]),
    "8716-3": ("6", [PCC + "3.25", PCC + "1.5.3.2", CCD + "16"], ["21", "22"], [PCC + "4.13.1", PCC + "4.13.2"]),
    "30954-2": ("5", [], ["25", "42", "43"], [PCC + "4.13"]),
    "29762-2": ("13", [PCC + "3.16", PCC + "3.16.1", CCD + "15"], ["23"], [PCC + "4.13.4"]),
    "47420-5": ("14", [], ["39"], []),
    "18776-5": ("8", [], [], []),
    "42348-3": ("16", [], [], []),
    "57828-6": ("1", [], ["2"], [PCC + "4.7"]),
    "60590-7": ("2", [], ["3"], []),
}
BASIC = ["48765-2", "10160-0", "11450-4", "46264-8", "47519-4"]
STATEMENTS = ["act", "encounter", "observation", "observationMedia", "organizer", "procedure", "regionOfInterest",
              "substanceAdministration", "supply"]
CODED = {"administrativeGenderCode", "code", "confidentialityCode", "event", "formCode", "functionCode",
         "interpretationCode", "routeCode"}
NO_FINDING = {"160244002", "160245001", "716186003", "409137002", "428607008", "429625007", "787481004", "182849000",
              "182904002", "396782006", "1631000175102"}


def qname(element):
    return etree.QName(element)


def elements(parent):
    return [child for child in parent if isinstance(child.tag, str)]


def kids(parent, *path, namespaces=(V3,)):
    """All elements at the end of a path of child names."""
    found = [parent] if parent is not None else []
    for name in path:
        found = [child for element in found for child in elements(element)
                 if qname(child).localname == name and qname(child).namespace in namespaces]
    return found


def kid(parent, *path, namespaces=(V3,)):
    """The first child of the first child ...: no search beyond the first at each step."""
    for name in path:
        parent = next(iter(kids(parent, name, namespaces=namespaces)), None)
        if parent is None:
            return None
    return parent


def drug(parent, *names):
    return [found for name in names for found in kids(parent, name, namespaces=(V3, PHARM, EPSOS))]


def text(element):
    return " ".join("".join(t for t in element.xpath(".//text()[not(parent::comment())]")).split())


def attr(element, name):
    return (element.get(name) or "").strip()


def null(element):
    return element.get("nullFlavor") is not None


def templates(element):
    return {template.get("root") for template in kids(element, "templateId")}


def path(element):
    steps = []
    while element is not None:
        parent = element.getparent()
        step = qname(element).localname
        if parent is not None:
            same = [child for child in elements(parent) if child.tag == element.tag]
            if len(same) > 1:
                step += f"[{same.index(element) + 1}]"
        steps.append(step)
        element = parent
    return "/" + "/".join(reversed(steps))


def is_time(element):
    match = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d+)?([+-]\d\d(?::?\d\d)?)?", attr(element, "value"), re.ASCII)
    if not match:
        return False
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        # A year 0 is a year of the standard and not one of Python's.
        datetime.date(int(year) or 4, int(month or 1), int(day or 1))
    except ValueError:
        return False
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        return False
    if zone:
        digits = zone[1:].replace(":", "")
        return int(digits[:2]) <= 14 and int(digits[2:] or 0) < 60
    return True


def full_name(person):
    return any(any(text(part) for part in kids(name, "family")) and any(text(part) for part in kids(name, "given"))
               for name in kids(person, "name"))


def identified(element):
    return any(attr(i, "root") or null(i) for i in kids(element, "id"))


def country(element):
    return any(null(address) or (kid(address, "country") is not None and text(kid(address, "country")))
               for address in kids(element, "addr"))


def organisation(element):
    return element is not None and identified(element) and any(text(n) for n in kids(element, "name")) and country(element)


def says_nothing(code):
    """Whether a code states an absence, or that nothing is known."""
    if code is None:
        return False
    value = attr(code, "code")
    if code.get("codeSystem") == ABSENT:
        return value.startswith("no-known-") or (value.startswith("no-") and value.endswith("-info"))
    return code.get("codeSystem") == SNOMED and value in NO_FINDING


class Judge:
    def __init__(self, root, type_code):
        self.root, self.findings = root, []
        self.kind, self.l3, self.l1 = TYPES.get(type_code, ("OTHER", None, None))
        self.structured = bool(kids(root, "component", "structuredBody"))

    def demand(self, rule, holds, *at):
        if not holds:
            self.findings.append([rule, path(next(element for element in at if element is not None))])

    def judge(self):
        self.document()
        self.header()
        self.patient()
        self.participants()
        self.body()
        self.codes()
        return self.findings

    def document(self):
        root, code = self.root, kid(self.root, "code")
        self.demand("DOC-TYPE", self.kind != "OTHER", code)
        self.demand("DOC-CODE-SYSTEM", code.get("codeSystem") == LOINC, code)
        types = [(t.get("root"), t.get("extension")) for t in kids(root, "typeId")]
        self.demand("DOC-TYPE-ID", types == [("2.16.840.1.113883.1.3", "POCD_HD000040")], root)
        own, other = (self.l3, self.l1) if self.structured else (self.l1, self.l3)
        if own:
            has = {arc: EHDSI + "1." + arc in templates(root) for arc in (own, other)}
            slip = other != own and has[other]
            self.demand("DOC-TEMPLATE", has[own] or slip, root)
            self.demand("DOC-TEMPLATE-LEVEL", has[own] or not slip, root)

    def header(self):
        root = self.root
        ids, titles = kids(root, "id"), kids(root, "title")
        self.demand("HDR-ID", len(ids) == 1 and attr(ids[0], "root"), root)
        self.demand("HDR-TITLE", len(titles) == 1 and text(titles[0]), root)
        time = kid(root, "effectiveTime")
        self.demand("HDR-TIME", time is not None and is_time(time), time, root)
        secret = kid(root, "confidentialityCode")
        self.demand("HDR-CONFIDENTIALITY", secret is not None and (null(secret) or (
            secret.get("code") in ("N", "R", "V") and secret.get("codeSystem") == "2.16.840.1.113883.5.25")), secret, root)
        language = kid(root, "languageCode")
        self.demand("HDR-LANGUAGE", language is not None and re.fullmatch("[a-z]{2}-[A-Z]{2}", language.get("code") or ""), language, root)
        set_id = kid(root, "setId")
        self.demand("HDR-SET-ID", set_id is not None and attr(set_id, "root"), root)
        if self.kind in ("PS", "EP"):
            parents = [kid(r, "parentDocument", "id") for r in kids(root, "relatedDocument") if r.get("typeCode") == "XFRM"]
            self.demand("HDR-RELATED", any(p is not None and attr(p, "root") for p in parents), root)
        if self.kind == "PS":
            highs = [kid(event, "effectiveTime", "high") for event in
                     [kid(d, "serviceEvent") for d in kids(root, "documentationOf")] if event is not None and event.get("classCode") == "PCPR"]
            self.demand("HDR-LAST-UPDATE", any(h is not None and (is_time(h) or null(h)) for h in highs), root)
            self.demand("HDR-CONTACT", kids(root, "participant", "associatedEntity"), root)
        if self.kind == "ED":
            orders = [kid(f, "order") for f in kids(root, "inFulfillmentOf")]
            self.demand("HDR-ORDER", any(attr(i, "root") for o in orders if o is not None and o.get("moodCode") == "RQO" for i in kids(o, "id")), root)

    def patient(self):
        roles = [role for role in (kid(t, "patientRole") for t in kids(self.root, "recordTarget")) if role is not None]
        self.demand("PAT-ONE", len(roles) == 1, self.root)
        for role in roles:
            self.demand("PAT-ID", any(attr(i, "root") for i in kids(role, "id")), role)
            self.demand("PAT-ADDRESS", kids(role, "addr"), role)
            for address in kids(role, "addr"):
                if null(address):
                    continue
                self.demand("PAT-ADDRESS", text(address), address)
                for part in elements(address):
                    if qname(part).localname in ("streetAddressLine", "city", "postalCode", "state", "country"):
                        self.demand("PAT-ADDRESS-PART", text(part) or null(part), part)
            self.demand("PAT-TELECOM", kids(role, "telecom"), role)
            for telecom in kids(role, "telecom"):
                if not null(telecom):
                    value = attr(telecom, "value")
                    self.demand("PAT-TELECOM", value, telecom)
                    self.demand("PAT-TELECOM-SCHEME", not value or value.startswith(("tel:", "fax:", "mailto:")), telecom)
            patient = kid(role, "patient")
            self.demand("PAT-NAME", full_name(patient) if patient is not None else False, patient, role)
            gender = kid(role, "patient", "administrativeGenderCode")
            self.demand("PAT-GENDER", gender is not None and (gender.get("nullFlavor") == "UNK" or (
                gender.get("code") in ("F", "M", "UN") and gender.get("codeSystem") == "2.16.840.1.113883.5.1")), gender, patient, role)
            birth = kid(role, "patient", "birthTime")
            self.demand("PAT-BIRTH", birth is not None and len(attr(birth, "value")) in (4, 6, 8) and is_time(birth), birth, patient, role)

    def participants(self):
        root = self.root
        self.demand("AUT-ONE", kids(root, "author"), root)
        for author in kids(root, "author"):
            time = kid(author, "time")
            self.demand("AUT-TIME", time is not None and (is_time(time) or null(time)), time, author)
            if self.kind == "EP":
                function = kid(author, "functionCode")
                self.demand("AUT-FUNCTION", function is not None and attr(function, "code") and attr(function, "codeSystem"), function, author)
            assigned = kid(author, "assignedAuthor")
            self.demand("AUT-ID", assigned is not None and identified(assigned), assigned, author)
            person = kid(author, "assignedAuthor", "assignedPerson")
            self.demand("AUT-NAME", kid(author, "assignedAuthor", "assignedAuthoringDevice") is not None or (
                person is not None and full_name(person)), assigned, author)
            works_for = kid(author, "assignedAuthor", "representedOrganization")
            self.demand("AUT-ORGANISATION", organisation(works_for), works_for, assigned, author)
        custodian = kid(root, "custodian", "assignedCustodian", "representedCustodianOrganization")
        self.demand("CUS-NAME", any(text(n) for n in kids(custodian, "name")), custodian, root)
        self.demand("CUS-COUNTRY", custodian is not None and country(custodian), custodian, root)
        if self.kind in ("PS", "EP"):
            legal = kid(root, "legalAuthenticator")
            self.demand("LEG-ONE", legal is not None, root)
            if legal is not None:
                entity = kid(legal, "assignedEntity")
                self.demand("LEG-ID", entity is not None and identified(entity), entity, legal)
                person = kid(legal, "assignedEntity", "assignedPerson")
                self.demand("LEG-NAME", person is not None and full_name(person), entity, legal)
                works_for = kid(legal, "assignedEntity", "representedOrganization")
                self.demand("LEG-ORGANISATION", organisation(works_for) and any(
                    attr(t, "value") or null(t) for t in kids(works_for, "telecom")), works_for, entity, legal)

    def body(self):
        root = self.root
        bodies = kids(root, "component", "structuredBody") + kids(root, "component", "nonXMLBody")
        self.demand("DOC-BODY", len(bodies) == 1, root)
        if not self.structured:
            if bodies:
                self.pdf(bodies[0])
            return
        body, sections, seen = kids(root, "component", "structuredBody")[0], [], []

        def gather(holder):
            for component in kids(holder, "component"):
                section = kid(component, "section")
                if section is not None:
                    sections.append(section)
                    gather(section)
        gather(body)
        for section in sections:
            code = kid(section, "code")
            loinc = "" if code is None else code.get("code") or ""
            self.demand("SEC-ONCE", loinc not in SECTIONS or loinc not in seen, section)
            seen.append(loinc)
            self.section(section, code, loinc)
        if self.kind == "PS":
            for basic in BASIC:
                self.demand("SEC-BASIC", basic in seen, body)
        elif self.kind == "EP":
            self.demand("PRE-SECTION", seen.count("57828-6") == 1, body)
        elif self.kind == "ED":
            self.demand("DIS-SECTION", seen.count("60590-7") == 1, body)

    def pdf(self, body):
        content = kid(body, "text")
        media = None if content is None else content.get("mediaType")
        allowed = ("image/png", "image/jpeg") if self.kind == "IMAGES" else ("application/pdf",)
        self.demand("PDF-TYPE", media in allowed, content, body)
        data = b""
        if content is not None and content.get("representation") == "B64":
            own = "".join(content.xpath("text()"))
            try:
                data = base64.b64decode(re.sub(r"[ \t\n\f\r]", "", own), validate=True)
            except (binascii.Error, ValueError):
                pass
        self.demand("PDF-BASE64", data, content, body)
        if data and media == "application/pdf":
            self.demand("PDF-CONTENT", data.startswith(b"%PDF-"), content)

    def section(self, section, code, loinc):
        self.demand("SEC-CODE", code is not None and code.get("codeSystem") == LOINC and loinc.strip(), code, section)
        title, narrative = kid(section, "title"), kid(section, "text")
        self.demand("SEC-TITLE", title is not None and text(title), section)
        statements = [s for s in (next((c for c in elements(entry) if qname(c).namespace == V3 and qname(c).localname in STATEMENTS), None)
                                  for entry in kids(section, "entry")) if s is not None]
        self.demand("SEC-TEXT", not statements or (narrative is not None and text(narrative)), section)
        if loinc not in SECTIONS:
            return
        arc, older, entry_arcs, older_entries = SECTIONS[loinc]
        own = EHDSI + "2." + arc in templates(section)
        old = bool(templates(section) & set(older))
        self.demand("SEC-TEMPLATE", own or old, section)
        self.demand("SEC-TEMPLATE-OLD", own or not old, section)
        self.demand("SEC-ENTRY", loinc not in BASIC or statements, section)
        wanted = {EHDSI + "3." + entry for entry in entry_arcs} | set(older_entries)
        for statement in statements:
            self.demand("ENT-TEMPLATE", not entry_arcs or templates(statement) & wanted, statement)

        def item(name, arc):
            return any(qname(s).localname == name and EHDSI + "3." + arc in templates(s) for s in statements)
        if loinc == "57828-6":
            self.demand("PRE-ITEM", item("substanceAdministration", "2"), section)
        if loinc == "60590-7":
            self.demand("DIS-ITEM", item("supply", "3"), section)

    def codes(self):
        everything = [e for e in self.root.iterdescendants() if isinstance(e.tag, str)]
        anchors = {e.get("ID") for e in everything if e.get("ID") is not None}
        for e in everything:
            if qname(e).namespace not in (V3, PHARM):
                continue
            if e.get("codeSystem") is not None:
                self.demand("COD-SYSTEM", re.fullmatch(r"[012](\.(0|[1-9][0-9]*))+", e.get("codeSystem")), e)
            kind = (e.get(f"{{{XSI}}}type") or "").strip().rpartition(":")[2] or None
            name = qname(e).localname
            if name in CODED or (name == "value" and kind in ("CD", "CE", "CV", "CO")):
                pair = attr(e, "code") and attr(e, "codeSystem")
                original = any(isinstance(d.tag, str) and qname(d).localname == "originalText" for d in e.iterdescendants())
                self.demand("COD-PAIR", pair or null(e) or original, e)
                if pair and not null(e):
                    self.demand("COD-TYPE", kind in (None, "CD", "CE"), e)
            if name == "reference" and attr(e, "value").startswith("#"):
                self.demand("REF-TARGET", attr(e, "value")[1:] in anchors, e)
        for body in kids(self.root, "component", "structuredBody")[:1]:
            for e in body.iterdescendants():
                if not isinstance(e.tag, str) or qname(e).namespace != V3:
                    continue
                name = qname(e).localname
                if name == "effectiveTime":
                    for part in [e, *kids(e, "low"), *kids(e, "high")]:
                        self.demand("TIM-FORM", part.get("value") is None or is_time(part), part)
                elif name in ("substanceAdministration", "supply"):
                    self.medicine(e, name)
                elif name == "observation":
                    self.observation(e)

    def medicine(self, e, name):
        arcs = {arc for arc in ("2", "3", "4") if EHDSI + "3." + arc in templates(e)}
        if not arcs:
            return
        material = kid(e, "product" if name == "supply" else "consumable", "manufacturedProduct", "manufacturedMaterial")
        if arcs & {"2", "3"}:
            form = next(iter(drug(material, "formCode")), None)
            self.demand("COD-REQUIRED", form is not None and attr(form, "code") and attr(form, "codeSystem"), form, material, e)
        if says_nothing(kid(e, "code")) or (material is not None and null(material)):
            return
        products = [] if material is None else [material] + [p for part in drug(material, "part") for p in drug(part, "partProduct")[:1]]
        found = False
        for product in products:
            for kind in drug(product, "asSpecializedKind")[:1]:
                for general in (drug(kind, "generalizedMaterialKind") or drug(kind, "generalizedMedicineClass"))[:1]:
                    found |= bool(drug(general, "code"))
            for ingredient in drug(product, "ingredient"):
                for substance in (drug(ingredient, "ingredientSubstance") or drug(ingredient, "ingredient"))[:1]:
                    found |= bool(drug(substance, "code"))
        self.demand("COD-EXPECTED", found, material, e)

    def observation(self, e):
        own = {arc for arc in ("7", "17", "44") if EHDSI + "3." + arc in templates(e)}
        value = kid(e, "value")
        if own & {"7", "44"}:
            self.demand("COD-EXPECTED", value is not None, e)
        if "17" in own:
            agents = [kid(p, "participantRole", "playingEntity", "code") for p in kids(e, "participant") if p.get("typeCode") == "CSM"]
            self.demand("COD-EXPECTED", says_nothing(value) or says_nothing(kid(e, "code")) or any(a is not None for a in agents), e)


def judge(name):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=False)
    try:
        tree = etree.parse(name, parser)
    except (etree.XMLSyntaxError, OSError) as error:
        return {"refused": f"xml: {error}"}
    if tree.docinfo.doctype:
        return {"refused": "xml: document type declaration"}
    root = tree.getroot()
    if root.tag != f"{{{V3}}}ClinicalDocument":
        return {"refused": "no ClinicalDocument"}
    codes = kids(root, "code")
    if len(codes) != 1 or not attr(codes[0], "code"):
        return {"refused": "type code"}
    return {"findings": sorted(Judge(root, attr(codes[0], "code")).judge())}


if __name__ == "__main__":
    json.dump({name: judge(name) for name in sys.argv[1:]}, sys.stdout, indent=1)
