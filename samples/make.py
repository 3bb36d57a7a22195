#!/usr/bin/env python3
"""Writes the patient summaries in psstore/ and the patient index in integration/ from the tables below.

Every person, place and number here is invented; "Esempi", "Diniego" and "Prova" are not family names of anybody we
know, and all identifiers are below the example arc 2.999. Codes are those of the eHDSI value sets, version 8.1.0.

    samples/make.py            writes the files
    samples/make.py --check    says which files differ from what it would write, and exits with 1
"""

import sys
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).parent
LOINC, SNOMED, ICD10 = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96", "1.3.6.1.4.1.12559.11.10.1.3.1.44.2"
ATC, EDQM, ABSENT = "2.16.840.1.113883.6.73", "0.4.0.127.0.16.1.1.2.1", "2.16.840.1.113883.5.1150.1"
EMDN = "1.3.6.1.4.1.12559.11.10.1.3.1.44.6"
NAMES = {LOINC: "LOINC", SNOMED: "SNOMED CT", ICD10: "ICD-10", ATC: "ATC", EDQM: "EDQM",
         ABSENT: "IPS Absent and Unknown Data", EMDN: "EMDN"}
E = "1.3.6.1.4.1.12559.11.10.1.3.1."
ROOT = "2.999.380.1"


def el(name, *children, **attributes):
    """An element: attributes with a trailing underscore lose it; `xsi_type` is `xsi:type`."""
    return name, {key.replace("xsi_type", "xsi:type").rstrip("_"): value for key, value in attributes.items()
                  if value is not None}, [child for child in children if child is not None]


def write(node, indent=0):
    if isinstance(node, str):
        return escape(node)
    name, attributes, children = node
    start = "<" + name + "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    pad = " " * indent
    if not children:
        return f"{pad}{start}/>\n"
    if any(isinstance(child, str) for child in children):
        inner = "".join(child if isinstance(child, Raw) else write(child).strip() if not isinstance(child, str)
                        else escape(child) for child in children)
        return f"{pad}{start}>{inner}</{name}>\n"
    return f"{pad}{start}>\n" + "".join(write(child, indent + 1) for child in children) + f"{pad}</{name}>\n"


class Raw(str):
    """Text that is markup already."""


def template(*roots):
    return [el("templateId", root=root) for root in roots]


def code(value, system, words, name="code", original=None, national=None, xsi=None, version=None):
    """A coded element; `original` is the id of its words in the narrative, `national` a code it was made from."""
    children = []
    if original:
        children.append(el("originalText", el("reference", value="#" + original)))
    if national:
        children.append(el("translation", code=national[0], codeSystem=national[1], codeSystemName=national[2],
                           displayName=national[3]))
    return el(name, *children, xsi_type=xsi, code=value, codeSystem=system, codeSystemName=NAMES.get(system),
              codeSystemVersion=version, displayName=words)


def refer(identifier):
    return el("text", el("reference", value="#" + identifier))


def since(low, high=None, name="effectiveTime", xsi=None):
    return el(name, el("low", value=low), el("high", value=high) if high else None, xsi_type=xsi)


def observation(templates, what, value, *more, ids=None, text=None, time=None, status="completed", mood="EVN"):
    return el("observation", *template(*templates), ids, what, refer(text) if text else None,
              el("statusCode", code=status), time, value, *more, classCode="OBS", moodCode=mood)


def relate(kind, statement, inversion=None):
    return el("entryRelationship", statement, typeCode=kind, inversionInd=inversion)


def date_words(date):
    months = ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre",
              "ottobre", "novembre", "dicembre"]
    if len(date) == 4:
        return date
    if len(date) == 6:
        return f"{months[int(date[4:6]) - 1]} {date[:4]}"
    return f"{int(date[6:8])} {months[int(date[4:6]) - 1]} {date[:4]}"


class Document:
    """Counts ids of one document."""

    def __init__(self, patient):
        self.patient, self.sections = patient, []

    def id(self, *arcs):
        return el("id", root=".".join([ROOT, "9", self.patient["number"], *map(str, arcs)]))

    def section(self, number, loinc, words, title, templates, narrative, entries):
        self.sections.append(el("component", el(
            "section", *template(*templates), self.id(number), code(loinc, LOINC, words), el("title", title),
            el("text", *narrative), *[el("entry", entry, typeCode="COMP") if entry[0] != "act" else el("entry", entry)
                                      for entry in entries])))


def table(caption, heads, rows):
    """A narrative table; a cell is text, or (id, text)."""
    def cell(content):
        if isinstance(content, tuple):
            return el("td", el("content", content[1], ID=content[0]))
        return el("td", content) if content else el("td")
    return el("table", el("caption", caption), el("thead", el("tr", *[el("th", head) for head in heads])),
              el("tbody", *[el("tr", *[cell(content) for content in row[1]], ID=row[0]) for row in rows]))


# --- the sections of the full summary ---------------------------------------------------------------------------

ALLERGIES = [
    # agent code, system, English, Italian | kind | reactions | severity | criticality, certainty, status | since
    dict(agent=("J01CA04", ATC, "amoxicillin", "Amoxicillina"),
         kind=("416098002", "Allergy to drug", "Allergia a farmaco"),
         reaction=("39579001", "Anaphylaxis", "Anafilassi", "20090316"),
         severity=("442452003", "Life threatening severity", "Pericolo di vita"),
         criticality=("high", "High Risk", "Alto"), certainty=("confirmed", "Confirmed", "Confermata"),
         status=("active", "Active", "Attiva"), since="20090316"),
    dict(agent=("111088007", SNOMED, "Latex", "Lattice"),
         kind=("419199007", "Allergy to substance", "Allergia a sostanza"),
         reaction=("126485001", "Urticaria", "Orticaria", "201506"),
         severity=("6736007", "Moderate", "Moderata"),
         criticality=("low", "Low Risk", "Basso"), certainty=("confirmed", "Confirmed", "Confermata"),
         status=("active", "Active", "Attiva"), since="201506"),
    dict(agent=("M01AE01", ATC, "ibuprofen", "Ibuprofene"),
         kind=("59037007", "Intolerance to drug", "Intolleranza a farmaco"),
         reaction=("4386001", "Bronchospasm", "Broncospasmo", "2018"),
         severity=("255604002", "Mild", "Lieve"),
         criticality=("low", "Low Risk", "Basso"), certainty=("unconfirmed", "Unconfirmed", "Non confermata"),
         status=("active", "Active", "Attiva"), since="2018"),
]

MEDICATIONS = [
    dict(name="Prestabil 5 mg", atc=("C09AA05", "ramipril", "ramipril"), strength=("5", "mg", "1", "1"),
         form=("10219000", "Tablet", "Compressa"), pack=("28", "1", "30009000", "Box"), dose=("1", "1"),
         route=("20053000", "Oral use", "Uso orale"), event=("ACM", "prima di colazione"), since="20140220",
         reason=("I10", "Essential (primary) hypertension", "Ipertensione essenziale")),
    dict(name="Glucoten 1000 mg", atc=("A10BA02", "metformin", "metformina"), strength=("1000", "mg", "1", "1"),
         form=("10221000", "Film-coated tablet", "Compressa rivestita con film"), pack=("60", "1", "30009000", "Box"),
         dose=("1", "1"), route=("20053000", "Oral use", "Uso orale"), period=("12", "h", "due volte al giorno"),
         since="20170905", reason=("E11", "Type 2 diabetes mellitus", "Diabete mellito di tipo 2")),
    dict(name="Eparivax 5 mg", atc=("B01AF02", "apixaban", "apixaban"), strength=("5", "mg", "1", "1"),
         form=("10221000", "Film-coated tablet", "Compressa rivestita con film"), pack=("60", "1", "30009000", "Box"),
         dose=("1", "1"), route=("20053000", "Oral use", "Uso orale"), period=("12", "h", "due volte al giorno"),
         since="20210611", reason=("I48", "Atrial fibrillation and flutter", "Fibrillazione atriale")),
    dict(name="Tirosan 75 microgrammi", atc=("H03AA01", "levothyroxine sodium", "levotiroxina sodica"),
         strength=("75", "ug", "1", "1"), form=("10219000", "Tablet", "Compressa"), pack=("50", "1", "30009000", "Box"),
         dose=("1", "1"), route=("20053000", "Oral use", "Uso orale"), event=("ACM", "prima di colazione"),
         since="200311", reason=("E03", "Other hypothyroidism", "Ipotiroidismo")),
    dict(name="Lipidol 20 mg", atc=("C10AA05", "atorvastatin", "atorvastatina"), strength=("20", "mg", "1", "1"),
         form=("10221000", "Film-coated tablet", "Compressa rivestita con film"), pack=("30", "1", "30009000", "Box"),
         dose=("1", "1"), route=("20053000", "Oral use", "Uso orale"), event=("HS", "prima di dormire"),
         since="20170905", reason=("E78", "Disorders of lipoprotein metabolism and other lipidaemias",
                                   "Dislipidemia")),
    dict(name="Respira 100 microgrammi", atc=("R03AC02", "salbutamol", "salbutamolo"), strength=("100", "ug", "1", "1"),
         form=("11107000", "Pressurised inhalation, suspension", "Sospensione pressurizzata per inalazione"),
         pack=("200", "1", "30026500", "Inhaler"), dose=("1", "1", "2"), route=("20020000", "Inhalation use", "Uso inalatorio"),
         period=("6", "h", "ogni 6 ore al bisogno"), since="20190412",
         reason=("J45", "Asthma", "Asma")),
]

PROBLEMS = [
    ("I10", "Essential (primary) hypertension", "Ipertensione essenziale", "20140220", "401.9", "Ipertensione essenziale non specificata", "6736007", "Moderate"),
    ("E11", "Type 2 diabetes mellitus", "Diabete mellito di tipo 2", "20170905", "250.00", "Diabete mellito tipo II, senza complicanze", "6736007", "Moderate"),
    ("I48", "Atrial fibrillation and flutter", "Fibrillazione atriale", "20210611", "427.31", "Fibrillazione atriale", "371924009", "Moderate to severe"),
    ("E03", "Other hypothyroidism", "Ipotiroidismo dopo tiroidectomia", "200311", "244.0", "Ipotiroidismo postchirurgico", "255604002", "Mild"),
    ("J45", "Asthma", "Asma", "1998", "493.90", "Asma, tipo non specificato", "255604002", "Mild"),
]

PAST = [
    ("J18", "Pneumonia, organism unspecified", "Polmonite", "20160118", "20160209", "162467007", "Free of symptoms"),
    ("S82", "Fracture of lower leg, including ankle", "Frattura della gamba destra", "20080706", "200812", "162467007", "Free of symptoms"),
]

PROCEDURES = [
    ("13619001", "Thyroidectomy", "Tiroidectomia", "20031014", ("69748006", "Thyroid structure", None)),
    ("233182007", "Permanent cardiac pacemaker procedure", "Impianto di pacemaker definitivo", "20210618", None),
    ("80146002", "Appendectomy", "Appendicectomia", "1979", None),
]

DEVICES = [
    ("J010103", EMDN, "Implantable dual chamber pacemakers", "Pacemaker bicamerale", "20210618", None, "SYN-PM-4471902"),
    ("260676000", SNOMED, "Contact lens", "Lenti a contatto", "1995", None, None),
]

VACCINES = [
    ("836377006", "Influenza virus antigen-containing vaccine product", "Vaccino antinfluenzale", "Influsyn 2025", "IS-25-0931", "20251021", "1", "6142004", "Influenza"),
    ("1119349007", "SARS-CoV-2 mRNA vaccine", "Vaccino mRNA anti COVID-19", "Coronasyn", "CS-24-1170", "20241014", "5", "840539006", "COVID-19"),
    ("1101000221104", "Clostridium tetani toxoid antigen-containing vaccine product", "Vaccino antitetanico", "Tetasyn", "TS-19-0042", "20190503", "4", "76902006", "Tetanus"),
    ("836374004", "Hepatitis B virus antigen-containing vaccine product", "Vaccino contro l'epatite B", "Hepasyn B", "HS-02-8810", "20020311", "3", "66071002", "Viral hepatitis type B"),
]

VITALS = [
    ("8480-6", "Systolic blood pressure", "Pressione sistolica", "138", "mm[Hg]", None),
    ("8462-4", "Diastolic blood pressure", "Pressione diastolica", "84", "mm[Hg]", None),
]

RESULTS = [
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "Emoglobina glicata", "7.1", "%", "4.0", "6.0", "H"),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "Creatinina", "0.92", "mg/dL", "0.50", "1.10", "N"),
    ("33914-3", "Glomerular filtration rate/1.73 sq M.predicted", "Filtrato glomerulare stimato", "68", "mL/min", "60", "120", "N"),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "Potassio", "4.4", "mmol/L", "3.5", "5.1", "N"),
    ("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "TSH", "2.3", "m[IU]/L", "0.4", "4.0", "N"),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "Emoglobina", "12.9", "g/dL", "12.0", "16.0", "N"),
    ("13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", "Colesterolo LDL", "96", "mg/dL", "0", "100", "N"),
]


def allergies(doc):
    rows, entries, sentences = [], [], []
    for n, a in enumerate(ALLERGIES, 1):
        key = f"all-{n}"
        sentences.append(el("paragraph", f"{a['kind'][2]}: {a['agent'][3]}. Reazione: {a['reaction'][2]}, dal {date_words(a['since'])}.", ID=key))
        rows.append((f"{key}-riga", [(f"{key}-agente", a["agent"][3]), (f"{key}-tipo", a["kind"][2]),
                                     (f"{key}-reazione", a["reaction"][2]), (f"{key}-gravita", a["severity"][2]),
                                     (f"{key}-rischio", a["criticality"][2]), (f"{key}-certezza", a["certainty"][2]),
                                     (f"{key}-stato", a["status"][2]), date_words(a["since"])]))
        severity = observation(["1.3.6.1.4.1.19376.1.5.3.1.4.1", "2.16.840.1.113883.10.20.1.55"],
                               el("code", code="SEV", codeSystem="2.16.840.1.113883.5.4"),
                               code(a["severity"][0], SNOMED, a["severity"][1], "value", xsi="CD"), text=f"{key}-gravita")
        reaction = observation([E + "3.44"], code("418799008", SNOMED, "Finding reported by subject or history provider"),
                               code(a["reaction"][0], SNOMED, a["reaction"][1], "value", f"{key}-reazione", xsi="CD"),
                               relate("SUBJ", severity, "true"), ids=doc.id(2, n, 2), text=key, time=since(a["reaction"][3]))

        def fact(arc, loinc, words, value, system, ref):
            return observation([E + f"3.{arc}"], code(loinc, LOINC, words),
                               code(value[0], system, value[1], "value", xsi="CD"), text=ref)
        inner = observation(
            [E + "3.17"], code(a["kind"][0], SNOMED, a["kind"][1], original=f"{key}-tipo", version="2022-07-31"), None,
            el("participant", el("participantRole", el("playingEntity", code(
                a["agent"][0], a["agent"][1], a["agent"][2], original=f"{key}-agente"), classCode="MMAT"), classCode="MANU"), typeCode="CSM"),
            relate("MFST", reaction),
            relate("SUBJ", fact(33, "82606-5", "Allergy or intolerance criticality", a["criticality"], "2.16.840.1.113883.4.642.4.130", f"{key}-rischio")),
            relate("SUBJ", fact(35, "66455-7", "Condition status", a["certainty"], "2.16.840.1.113883.4.642.4.1371", f"{key}-certezza")),
            relate("REFR", fact(34, "33999-4", "Status", a["status"], "2.16.840.1.113883.4.642.4.1373", f"{key}-stato")),
            ids=doc.id(2, n, 1), text=key, time=since(a["since"]))
        entries.append(el("act", *template(E + "3.16"), doc.id(2, n), code("CONC", "2.16.840.1.113883.5.6", "Concern"),
                          el("statusCode", code="active"), since(a["since"]), relate("SUBJ", inner, "false"),
                          classCode="ACT", moodCode="EVN"))
    heads = ["Sostanza", "Tipo", "Reazione", "Gravità", "Rischio", "Certezza", "Stato", "Dal"]
    doc.section(2, "48765-2", "Allergies and adverse reactions Document", "Allergie e intolleranze", [E + "2.12"],
                [*sentences, table("Allergie e intolleranze", heads, rows)], entries)


def medications(doc):
    rows, entries, sentences = [], [], []
    for n, m in enumerate(MEDICATIONS, 1):
        key = f"med-{n}"
        when = m["event"][1] if "event" in m else m["period"][2]
        amount = f"da {m['dose'][0]} a {m['dose'][2]}" if len(m["dose"]) > 2 else m["dose"][0]
        sentences.append(el("paragraph", f"{m['name']} ({m['atc'][2]}): {amount} {when}, dal {date_words(m['since'])}.", ID=key))
        rows.append((f"{key}-riga", [m["name"], (f"{key}-principio", m["atc"][2]), f"{m['strength'][0]} {m['strength'][1]}".replace("ug", "µg"),
                                     (f"{key}-forma", m["form"][2]), amount, when, (f"{key}-via", m["route"][2]),
                                     date_words(m["since"]), (f"{key}-motivo", m["reason"][2])]))
        if "event" in m:
            timing = el("effectiveTime", el("event", code=m["event"][0], codeSystem="2.16.840.1.113883.5.139"), xsi_type="EIVL_TS", operator="A")
        else:
            timing = el("effectiveTime", el("period", value=m["period"][0], unit=m["period"][1]), xsi_type="PIVL_TS",
                        institutionSpecified="true", operator="A")
        dose = el("doseQuantity", el("low", value=m["dose"][0], unit="1"), el("high", value=m["dose"][2], unit="1")) \
            if len(m["dose"]) > 2 else el("doseQuantity", value=m["dose"][0], unit=m["dose"][1])

        def pharm(name, node):
            return "pharm:" + name, node[1], node[2]
        s = m["strength"]
        material = el(
            "manufacturedMaterial", *template(E + "3.32"), el("name", m["name"]),
            pharm("formCode", code(m["form"][0], EDQM, m["form"][1], original=f"{key}-forma")),
            el("pharm:asContent", el("pharm:quantity", xsi_type="PQ", value=m["pack"][0], unit=m["pack"][1]),
               el("pharm:containerPackagedProduct", pharm("formCode", code(m["pack"][2], EDQM, m["pack"][3])),
                  classCode="CONT", determinerCode="KIND"), classCode="CONT"),
            el("pharm:asSpecializedKind", el("pharm:generalizedMaterialKind", pharm("code", code(
                m["atc"][0], ATC, m["atc"][1], original=f"{key}-principio")), classCode="MMAT", determinerCode="KIND"), classCode="GEN"),
            el("pharm:ingredient", el("pharm:quantity", el("numerator", xsi_type="PQ", value=s[0], unit=s[1]),
                                      el("denominator", xsi_type="PQ", value=s[2], unit=s[3])),
               el("pharm:ingredientSubstance", pharm("code", code(m["atc"][0], ATC, m["atc"][1], original=f"{key}-principio")),
                  classCode="MMAT", determinerCode="KIND"), classCode="ACTI"),
            classCode="MMAT", determinerCode="KIND")
        reason = observation([E + "3.41", "1.3.6.1.4.1.19376.1.5.3.1.4.13"], code("64572001", SNOMED, "Disease"),
                             code(m["reason"][0], ICD10, m["reason"][1], "value", f"{key}-motivo", xsi="CD"),
                             ids=doc.id(1, n, 1), text=f"{key}-motivo", time=el("effectiveTime", value=m["since"]))
        entries.append(el(
            "substanceAdministration", *template(E + "3.4", "2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.7.1"),
            doc.id(1, n), refer(key), el("statusCode", code="active"), since(m["since"], xsi="IVL_TS"), timing,
            code(m["route"][0], EDQM, m["route"][1], "routeCode", f"{key}-via"), dose,
            el("consumable", el("manufacturedProduct", *template(E + "3.31"), material)), relate("RSON", reason),
            classCode="SBADM", moodCode="INT"))
    heads = ["Farmaco", "Principio attivo", "Dosaggio", "Forma", "Dose", "Quando", "Via", "Dal", "Motivo"]
    doc.section(1, "10160-0", "History of Medication use Narrative", "Terapia in corso", [E + "2.3", "2.16.840.1.113883.10.20.1.8"],
                [*sentences, table("Farmaci", heads, rows)], entries)


def problem_entry(doc, section, n, key, what, icd, words, time, extra, national=None):
    inner = observation([E + "3.7"], code("64572001", SNOMED, "Disease"),
                        code(icd, ICD10, words, "value", f"{key}-nome", national=national, xsi="CD"), *extra,
                        ids=doc.id(section, n, 1), text=key, time=time)
    return el("act", *template(E + "3.15", "2.16.840.1.113883.10.20.1.27"), doc.id(section, n),
              code("CONC", "2.16.840.1.113883.5.6", "Concern"), refer(key), el("statusCode", code=what), time,
              relate("SUBJ", inner, "false"), classCode="ACT", moodCode="EVN")


def problems(doc):
    rows, entries = [], []
    for n, (icd, words, italian, start, icd9, icd9_words, severity, severity_words) in enumerate(PROBLEMS, 1):
        key = f"pro-{n}"
        rows.append((key, [(f"{key}-nome", italian), date_words(start), (f"{key}-gravita", {"Mild": "Lieve", "Moderate": "Moderata"}.get(severity_words, "Da moderata a grave")), "Attivo"]))
        grave = observation(["1.3.6.1.4.1.19376.1.5.3.1.4.1", "2.16.840.1.113883.10.20.1.55"],
                            el("code", code="SEV", codeSystem="2.16.840.1.113883.5.4"),
                            code(severity, SNOMED, severity_words, "value", xsi="CD"), text=f"{key}-gravita")
        status = observation([E + "3.9", "1.3.6.1.4.1.19376.1.5.3.1.4.1.1", "2.16.840.1.113883.10.20.1.57", "2.16.840.1.113883.10.20.1.50"],
                             code("33999-4", LOINC, "Status"), code("55561003", SNOMED, "Active", "value", xsi="CE"), text=key)
        entries.append(problem_entry(doc, 4, n, key, "active", icd, words, since(start),
                                     [relate("SUBJ", grave, "true"), relate("REFR", status)],
                                     (icd9, "2.16.840.1.113883.6.103", "ICD-9-CM", icd9_words)))
    doc.section(4, "11450-4", "Problem list - Reported", "Problemi attivi", [E + "2.9", "2.16.840.1.113883.10.20.1.11"],
                [table("Problemi attivi", ["Problema", "Dal", "Gravità", "Stato"], rows)], entries)


def past(doc):
    rows, entries = [], []
    for n, (icd, words, italian, start, end, outcome, outcome_words) in enumerate(PAST, 1):
        key = f"pas-{n}"
        rows.append((key, [(f"{key}-nome", italian), date_words(start), date_words(end), (f"{key}-esito", "Guarigione")]))
        result = observation([E + "3.10"], code("11323-3", LOINC, "Health status"),
                             code(outcome, SNOMED, outcome_words, "value", xsi="CE"), text=f"{key}-esito")
        entries.append(problem_entry(doc, 6, n, key, "completed", icd, words, since(start, end), [relate("REFR", result)]))
    doc.section(6, "11348-0", "History of Past illness Narrative", "Malattie pregresse", [E + "2.10"],
                [table("Malattie pregresse", ["Malattia", "Dal", "Al", "Esito"], rows)], entries)


def procedures(doc):
    rows, entries = [], []
    for n, (snomed, words, italian, when, site) in enumerate(PROCEDURES, 1):
        key = f"int-{n}"
        rows.append((key, [(f"{key}-nome", italian), date_words(when)]))
        entries.append(el("procedure", *template(E + "3.26"), doc.id(3, n), code(snomed, SNOMED, words, original=f"{key}-nome"), refer(key),
                          el("statusCode", code="completed"), el("effectiveTime", value=when),
                          code(site[0], SNOMED, site[1], "targetSiteCode") if site else None, classCode="PROC", moodCode="EVN"))
    doc.section(3, "47519-4", "History of Procedures Document", "Interventi e procedure", [E + "2.11"],
                [table("Interventi", ["Intervento", "Data"], rows)], entries)


def devices(doc):
    rows, entries = [], []
    for n, (value, system, words, italian, start, end, serial) in enumerate(DEVICES, 1):
        key = f"dis-{n}"
        rows.append((key, [(f"{key}-nome", italian), date_words(start), serial or ""]))
        entries.append(el("supply", *template(E + "3.5"), doc.id(5, n), refer(key), since(start, end, xsi="IVL_TS"),
                          el("participant", el("participantRole", el("id", root=ROOT + ".8", extension=serial) if serial else None,
                             el("playingDevice", code(value, system, words, original=f"{key}-nome"), classCode="DEV", determinerCode="INSTANCE"),
                             classCode="MANU"), typeCode="DEV"), classCode="SPLY", moodCode="EVN"))
    doc.section(5, "46264-8", "History of medical device use", "Dispositivi medici e impianti", [E + "2.4", "2.16.840.1.113883.10.20.1.7"],
                [table("Dispositivi", ["Dispositivo", "Dal", "Numero di serie"], rows)], entries)


def vaccines(doc):
    rows, entries = [], []
    for n, (snomed, words, italian, brand, lot, when, dose, disease, disease_words) in enumerate(VACCINES, 1):
        key = f"vac-{n}"
        rows.append((key, [(f"{key}-nome", italian), brand, lot, date_words(when), dose]))
        number = observation([E + "3.28"], code("30973-2", LOINC, "Dose number in series"), el("value", xsi_type="INT", value=dose))
        entries.append(el(
            "substanceAdministration", *template(E + "3.19", "1.3.6.1.4.1.19376.1.5.3.1.4.12", "2.16.840.1.113883.10.20.1.24"), doc.id(7, n),
            el("code", code="IMMUNIZ", codeSystem="1.3.5.1.4.1.19376.1.5.3.2", displayName="Immunization"), refer(key), el("statusCode", code="completed"),
            el("effectiveTime", value=when),
            el("consumable", el("manufacturedProduct", *template(E + "3.18", "2.16.840.1.113883.10.20.1.53"), el("manufacturedMaterial", code(
                snomed, SNOMED, words, original=f"{key}-nome"), el("name", brand), el("lotNumberText", lot)),
                el("manufacturerOrganization", el("name", "Laboratori Sintetici S.p.A."))), typeCode="CSM"),
            el("performer", el("assignedEntity", doc.id(7, n, 1), el("representedOrganization", el("name", "Centro vaccinale di Villa Prova"), el("addr", el("country", "IT"))))),
            el("participant", el("participantRole", code(disease, SNOMED, disease_words), el("playingEntity", classCode="ENT", nullFlavor="UNK"), classCode="AGNT"), typeCode="IND"),
            relate("SUBJ", number), classCode="SBADM", moodCode="EVN", negationInd="false"))
    doc.section(7, "11369-6", "History of Immunization Narrative", "Vaccinazioni", [E + "2.15", "2.16.840.1.113883.10.20.1.6"],
                [table("Vaccinazioni", ["Vaccino", "Prodotto", "Lotto", "Data", "Dose"], rows)], entries)


def pregnancy(doc):
    entries = [observation([E + "3.46"], code("281050002", SNOMED, "Livebirth", original="gra-1-esito"), el("value", xsi_type="INT", value="2"), text="gra-1"),
               observation([E + "3.46"], code("17369002", SNOMED, "Miscarriage", original="gra-2-esito"), el("value", xsi_type="INT", value="1"), text="gra-2"),
               observation([E + "3.47"], code("93857-1", LOINC, "Date and time of obstetric delivery"), el("value", xsi_type="TS", value="19890602"), text="gra-3"),
               observation([E + "3.47"], code("93857-1", LOINC, "Date and time of obstetric delivery"), el("value", xsi_type="TS", value="19920817"), text="gra-4")]
    rows = [("gra-1", [("gra-1-esito", "Nati vivi"), "2"]), ("gra-2", [("gra-2-esito", "Aborto spontaneo"), "1"]),
            ("gra-3", ["Parto", "2 giugno 1989"]), ("gra-4", ["Parto", "17 agosto 1992"])]
    doc.section(8, "10162-6", "History of pregnancies Narrative", "Gravidanze", [E + "2.7"], [table("Gravidanze", ["Evento", "Numero o data"], rows)], entries)


def social(doc):
    templates = [E + "3.23", E + "3.20", "1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.3.6.1.4.1.19376.1.5.3.1.4.13.4", "2.16.840.1.113883.10.20.1.33"]
    entries = [observation(templates, code("229819007", SNOMED, "Tobacco use and exposure", original="soc-1-nome"), el("value", xsi_type="PQ", value="0.5", unit="{pack}/d"),
                           ids=doc.id(9, 1), text="soc-1", time=since("1980", "201009")),
               observation(templates, code("897148007", SNOMED, "Alcoholic beverage intake", original="soc-2-nome"), el("value", xsi_type="PQ", value="2", unit="{glass}/wk"),
                           ids=doc.id(9, 2), text="soc-2", time=since("1985"))]
    rows = [("soc-1", [("soc-1-nome", "Fumo"), "mezzo pacchetto al giorno", "dal 1980 a settembre 2010"]), ("soc-2", [("soc-2-nome", "Alcol"), "2 bicchieri alla settimana", "dal 1985"])]
    doc.section(9, "29762-2", "Social history Narrative", "Stile di vita", [E + "2.13", "2.16.840.1.113883.10.20.1.15"], [table("Stile di vita", ["Abitudine", "Quantità", "Periodo"], rows)], entries)


def vitals(doc):
    templates = [E + "3.20", E + "3.22", "1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.3.6.1.4.1.19376.1.5.3.1.4.13.2", "2.16.840.1.113883.10.20.1.31"]
    rows, parts = [], []
    for n, (loinc, words, italian, value, unit, _) in enumerate(VITALS, 1):
        key = f"vit-{n}"
        rows.append((key, [(f"{key}-nome", italian), f"{value} mmHg", "18 febbraio 2026"]))
        parts.append(el("component", observation(templates, code(loinc, LOINC, words, original=f"{key}-nome"), el("value", xsi_type="PQ", value=value, unit=unit),
                                                 ids=doc.id(10, 1, n), text=key, time=el("effectiveTime", value="20260218"))))
    organizer = el("organizer", *template(E + "3.21", "1.3.6.1.4.1.19376.1.5.3.1.4.13.1", "2.16.840.1.113883.10.20.1.32", "2.16.840.1.113883.10.20.1.35"),
                   doc.id(10, 1), code("46680005", SNOMED, "Vital signs"), el("statusCode", code="completed"), el("effectiveTime", value="20260218"), *parts,
                   classCode="CLUSTER", moodCode="EVN")
    doc.section(10, "8716-3", "Vital signs", "Parametri vitali", [E + "2.6"], [table("Parametri vitali", ["Parametro", "Valore", "Data"], rows)], [organizer])


def results(doc):
    rows = [("ris-0", ["Gruppo sanguigno", "A Rh positivo", "", "5 maggio 2003"])]
    entries = [observation([E + "3.25", E + "3.20", "1.3.6.1.4.1.19376.1.5.3.1.4.13"], code("34530-6", LOINC, "ABO and Rh group panel - Blood"),
                           code("278149003", SNOMED, "Blood group A Rh(D) positive", "value", xsi="CE"), ids=doc.id(11, 1), text="ris-0", time=el("effectiveTime", value="20030505"))]
    parts = []
    for n, (loinc, words, italian, value, unit, low, high, flag) in enumerate(RESULTS, 1):
        key = f"ris-{n}"
        unit_words = unit.replace("[", "").replace("]", "")
        rows.append((key, [(f"{key}-nome", italian), f"{value} {unit_words}", f"{low} – {high}", "9 febbraio 2026"]))
        parts.append(el("component", observation(
            [E + "3.43", "1.3.6.1.4.1.19376.1.5.3.1.4.13"], code(loinc, LOINC, words, original=f"{key}-nome"), el("value", xsi_type="PQ", value=value, unit=unit),
            el("interpretationCode", code=flag, codeSystem="2.16.840.1.113883.5.83"),
            el("referenceRange", el("observationRange", el("value", el("low", value=low, unit=unit), el("high", value=high, unit=unit), xsi_type="IVL_PQ"))),
            ids=doc.id(11, 2, n), text=key, time=el("effectiveTime", value="20260209"))))
    entries.append(el("organizer", *template(E + "3.42"), doc.id(11, 2), code("18719-5", LOINC, "Chemistry studies (set)"), el("statusCode", code="completed"),
                      el("effectiveTime", value="20260209"), *parts, classCode="BATTERY", moodCode="EVN"))
    doc.section(11, "30954-2", "Relevant diagnostic tests/laboratory data Narrative", "Esami", [E + "2.5"],
                [table("Esami", ["Esame", "Risultato", "Intervallo di riferimento", "Data"], rows)], entries)


def plan(doc):
    doc.section(12, "18776-5", "Plan of care note", "Piano di cura", [E + "2.8"],
                [el("list", el("item", "Controllo del pacemaker ogni sei mesi; prossimo a giugno 2026."),
                    el("item", "Emoglobina glicata ogni quattro mesi."),
                    el("item", el("content", "Non somministrare penicilline.", styleCode="Bold"), " In caso di infezione preferire un macrolide, con controllo dell'INR non necessario."))], [])


# --- "known absence" and "no information" -----------------------------------------------------------------------

def absent(doc, known):
    """The five basic sections, each with one statement that there is none, or that nothing is known."""
    def say(subject, plural):
        return (f"no-known-{plural}", f"No known {plural}") if known else (f"no-{subject}-info", f"No information about {plural}")
    italian = "Nessun dato noto" if not known else "Nessuno noto"
    value, words = say("medication", "medications")
    doc.section(1, "10160-0", "History of Medication use Narrative", "Terapia in corso", [E + "2.3", "2.16.840.1.113883.10.20.1.8"],
                [el("paragraph", f"Farmaci: {italian.lower()}.", ID="med")],
                [el("substanceAdministration", *template(E + "3.4", "2.16.840.1.113883.10.20.1.24"), doc.id(1, 1), code(value, ABSENT, words), refer("med"), el("statusCode", code="completed"),
                    el("effectiveTime", xsi_type="IVL_TS", nullFlavor="NA"), el("effectiveTime", nullFlavor="NA"),
                    el("consumable", el("manufacturedProduct", *template(E + "3.31"), el("manufacturedMaterial", nullFlavor="NA"), classCode="MANU")), classCode="SBADM", moodCode="INT")])
    value, words = say("allergy", "allergies")
    doc.section(2, "48765-2", "Allergies and adverse reactions Document", "Allergie e intolleranze", [E + "2.12"], [el("paragraph", f"Allergie: {italian.lower()}.", ID="all")],
                [el("act", *template(E + "3.16"), doc.id(2, 1), code("CONC", "2.16.840.1.113883.5.6", "Concern"), el("statusCode", code="active"), el("effectiveTime", el("low", nullFlavor="NA")),
                    relate("SUBJ", observation([E + "3.17"], code("609328004", SNOMED, "Allergic disposition"), code(value, ABSENT, words, "value", xsi="CD"), ids=doc.id(2, 1, 1), text="all",
                                               time=el("effectiveTime", el("low", nullFlavor="NA"))), "false"), classCode="ACT", moodCode="EVN")])
    value, words = say("procedure", "procedures")
    doc.section(3, "47519-4", "History of Procedures Document", "Interventi e procedure", [E + "2.11"], [el("paragraph", f"Interventi: {italian.lower()}.", ID="int")],
                [el("procedure", *template(E + "3.26"), doc.id(3, 1), code(value, ABSENT, words), refer("int"), el("statusCode", code="completed"), el("effectiveTime", nullFlavor="NA"), classCode="PROC", moodCode="EVN")])
    value, words = say("problem", "problems")
    doc.section(4, "11450-4", "Problem list - Reported", "Problemi attivi", [E + "2.9", "2.16.840.1.113883.10.20.1.11"], [el("paragraph", f"Problemi: {italian.lower()}.", ID="pro")],
                [el("act", *template(E + "3.15", "2.16.840.1.113883.10.20.1.27"), doc.id(4, 1), code("CONC", "2.16.840.1.113883.5.6", "Concern"), el("statusCode", code="active"), el("effectiveTime", el("low", nullFlavor="NA")),
                    relate("SUBJ", observation([E + "3.7"], code("404684003", SNOMED, "Clinical finding"), code(value, ABSENT, words, "value", xsi="CD"), ids=doc.id(4, 1, 1), text="pro",
                                               time=el("effectiveTime", el("low", nullFlavor="NA"))), "false"), classCode="ACT", moodCode="EVN")])
    value, words = say("device", "devices")
    doc.section(5, "46264-8", "History of medical device use", "Dispositivi medici e impianti", [E + "2.4", "2.16.840.1.113883.10.20.1.7"], [el("paragraph", f"Dispositivi: {italian.lower()}.", ID="dis")],
                [el("supply", *template(E + "3.5"), doc.id(5, 1), refer("dis"), el("effectiveTime", xsi_type="IVL_TS", nullFlavor="NA"),
                    el("participant", el("participantRole", el("playingDevice", code(value, ABSENT, words), classCode="DEV", determinerCode="INSTANCE"), classCode="MANU"), typeCode="DEV"), classCode="SPLY", moodCode="EVN")])


# --- header -----------------------------------------------------------------------------------------------------

def address(street, code_, city, country="IT", **more):
    return el("addr", el("streetAddressLine", street), el("city", city), el("postalCode", code_), el("country", country), **more)


def organisation(name):
    return el(name, el("id", root=ROOT + ".3", extension="ASL-PROVA"), el("name", "Azienda sanitaria di Villa Prova"),
              el("telecom", value="tel:+39.06.5550100", use="WP"), address("Piazza dell'Esempio 1", "00100", "Villa Prova"))


def person(tag, given, family, prefix=None):
    return el(tag, el("name", el("prefix", prefix) if prefix else None, el("given", given), el("family", family)))


def doctor(role):
    return el(role, el("id", root=ROOT + ".2", extension="MED-0042"),
              code("2211", "2.16.840.1.113883.2.9.6.2.7", "Generalist medical practitioners") if role == "assignedAuthor" else None,
              address("Piazza dell'Esempio 1", "00100", "Villa Prova"), el("telecom", value="tel:+39.06.5550142", use="WP"),
              el("telecom", value="mailto:ambulatorio@example.org", use="WP"), person("assignedPerson", "Teresa", "Prova", "Dott.ssa"), organisation("representedOrganization"))


def document(p):
    doc = Document(p)
    if p["content"] == "full":
        for part in (medications, allergies, procedures, problems, devices, past, vaccines, pregnancy, social, vitals, results, plan):
            part(doc)
    else:
        absent(doc, p["content"] == "known absence")
    contact = el("participant", *template("1.3.6.1.4.1.19376.1.5.3.1.2.4"), el(
        "associatedEntity", code("DAU", "2.16.840.1.113883.5.111", "natural daughter"), address("Vicolo Modello 3", "00100", "Villa Prova"),
        el("telecom", value="tel:+39.333.5550177", use="MC"), person("associatedPerson", "Chiara", p["family"]), classCode="NOK"), typeCode="IND")
    preferred = el("participant", el("functionCode", code="PCP", codeSystem="2.16.840.1.113883.5.88", displayName="Primary care physician"), el(
        "associatedEntity", el("id", root=ROOT + ".2", extension="MED-0042"), address("Piazza dell'Esempio 1", "00100", "Villa Prova"),
        el("telecom", value="tel:+39.06.5550142", use="WP"), person("associatedPerson", "Teresa", "Prova", "Dott.ssa"), organisation("scopingOrganization"), classCode="PROV"), typeCode="IND")
    root = el(
        "ClinicalDocument",
        el("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"), *template(E + "1.3"),
        el("id", root=ROOT + ".9", extension=p["id"]), code("60591-5", LOINC, "Patient Summary"), el("title", "Profilo Sanitario Sintetico"),
        el("effectiveTime", value="20260303091500+0100"), el("confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25", displayName="normal"),
        el("languageCode", code="it-IT"), el("setId", root=ROOT + ".9", extension=p["id"]), el("versionNumber", value="7"),
        el("recordTarget", el(
            "patientRole", el("id", root=ROOT, extension=p["id"]), address(*p["address"], use="HP"), el("telecom", value=p["telephone"], use="H"),
            el("telecom", value=p["email"], use="H"),
            el("patient", el("name", el("given", p["given"]), el("family", p["family"])),
               el("administrativeGenderCode", code=p["gender"], codeSystem="2.16.840.1.113883.5.1", codeSystemName="AdministrativeGender",
                  displayName={"F": "Female", "M": "Male"}[p["gender"]]),
               el("birthTime", value=p["birth"]), el("languageCommunication", el("languageCode", code="it-IT"))))),
        el("author", el("time", value="20260303091500+0100"), doctor("assignedAuthor")),
        el("custodian", el("assignedCustodian", organisation("representedCustodianOrganization"))),
        el("legalAuthenticator", el("time", value="20260303092000+0100"), el("signatureCode", code="S"), doctor("assignedEntity"), typeCode="LA"),
        contact, preferred,
        el("documentationOf", el("serviceEvent", el("effectiveTime", el("low", value="20030101"), el("high", value="20260303")),
                                 el("performer", el("functionCode", code="2211", codeSystem="2.16.840.1.113883.2.9.6.2.7", displayName="Generalist medical practitioners"),
                                    doctor("assignedEntity"), typeCode="PRF"), classCode="PCPR", moodCode="EVN"), typeCode="DOC"),
        el("relatedDocument", el("parentDocument", el("id", root=ROOT + ".9", extension=p["id"] + "-FONTE")), typeCode="XFRM"),
        el("component", el("structuredBody", *doc.sections)),
        xmlns="urn:hl7-org:v3", classCode="DOCCLIN", moodCode="EVN")
    root[1].update({"xmlns:pharm": "urn:hl7-org:pharm", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + write(root)


PATIENTS = [
    dict(id="SYN-0001", number="1", given="Lucia", family="Esempi", birth="19610514", gender="F", content="full", consent="given",
         about="A full summary, with a PDF beside it.",
         address=("Via delle Prove 12", "00100", "Villa Prova"), telephone="tel:+39.06.5550111", email="mailto:lucia.esempi@example.org"),
    dict(id="SYN-0002", number="2", given="Lucia", family="Esempi", birth="19610514", gender="F", content="known absence", consent="given",
         about="Name, birth date and gender are those of SYN-0001: a search by traits alone finds both.",
         address=("Viale del Campione 44", "00200", "Borgo Modello"), telephone="tel:+39.06.5550122", email="mailto:l.esempi@example.org"),
    dict(id="SYN-0003", number="3", given="Marco", family="Diniego", birth="19880927", gender="M", content="no information", consent="refused",
         about="Has a summary and has not agreed that it leaves the country.",
         address=("Via delle Prove 7", "00100", "Villa Prova"), telephone="tel:+39.06.5550133", email="mailto:marco.diniego@example.org"),
]


def index(p):
    """The patient's entry in the index, a property file with the keys of OpenNCP's mock and the patient's will."""
    street, postal_code, city = p["address"]
    facts = {
        "familyName": p["family"], "givenName": p["given"], "administrativeGender": {"F": "FEMALE", "M": "MALE"}[p["gender"]],
        "birthDate.year": int(p["birth"][:4]), "birthDate.month": int(p["birth"][4:6]) - 1, "birthDate.day": int(p["birth"][6:8]),
        "street": street, "postalCode": postal_code, "city": city, "country": "IT",
        "telephone": p["telephone"].removeprefix("tel:"), "email": p["email"].removeprefix("mailto:"), "consent": p["consent"],
    }
    head = f"# {p['about']}\n# birthDate.month counts from zero, as in OpenNCP's mock.\n"
    return head + "".join(f"{key}={value}\n" for key, value in facts.items())


def main():
    stale, files = [], {}
    for patient in PATIENTS:
        files[HERE / "psstore" / f"{patient['id']}.xml"] = document(patient)
        files[HERE / "integration" / ROOT / f"{patient['id']}.properties"] = index(patient)
    for path, text in files.items():
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(HERE)}: {len(text.encode())} bytes")
    if stale:
        sys.exit("differ from what samples/make.py writes: " + ", ".join(stale))


if __name__ == "__main__":
    main()
