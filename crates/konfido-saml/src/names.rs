//! The names of the profile: namespaces, URNs, identifiers, spelt as they stand on the wire.
//! Namespaces of XML standards are `konfido_xml::ns`.

/// HL7 v3, the namespace of `Role` and `PurposeOfUse`.
pub const HL7: &str = "urn:hl7-org:v3";
/// The audience of every assertion that crosses a border. The dot before `audience` is the profile's.
pub const AUDIENCE: &str = "urn:ehdsi:assertions.audience:x-border";
/// The one subject confirmation method of the profile.
pub const SENDER_VOUCHES: &str = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches";
/// Authentication context of the assertions that the security token service issues.
pub const PREVIOUS_SESSION: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession";
/// Authentication context of a professional who signed in with a smart card.
pub const SMARTCARD_PKI: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";
/// `NameFormat` of each attribute.
pub const FORMAT_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// NameID format of a professional named by an e-mail address.
pub const NAMEID_EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// NameID format that promises nothing.
pub const NAMEID_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Two-factor authentication contexts that the security token service accepts in an HCP assertion.
pub const TWO_FACTOR: [&str; 8] = [
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SPKI",
    SMARTCARD_PKI,
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SoftwarePKI",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
];

/// Issuer `NameQualifier` of the generation before 2017, shared by HCP and TRC assertions.
pub const QUALIFIER_EPSOS: &str = "urn:epsos:wp34:assertions";

/// Attribute names, each with the friendly name that travels with it.
pub mod attribute {
    /// Name and friendly name of an attribute.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Name {
        /// The URN by which a receiver finds the attribute.
        pub urn: &'static str,
        /// What a person reads.
        pub friendly: &'static str,
    }

    const fn name(urn: &'static str, friendly: &'static str) -> Name {
        Name { urn, friendly }
    }

    /// Home community of the treating country.
    pub const HOME_COMMUNITY: Name = name("urn:ihe:iti:xca:2010:homeCommunityId", "HCI Identifier");
    /// National provider identifier.
    pub const NPI: Name = name("urn:oasis:names:tc:xspa:1.0:subject:npi", "NPI Identifier");
    /// HCP: full name of the professional. TRC: the patient's identifier in CX form.
    pub const SUBJECT_ID: Name = name("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "XSPA Subject");
    /// The professional's role, a coded element.
    pub const ROLE: Name = name("urn:oasis:names:tc:xacml:2.0:subject:role", "XSPA Role");
    /// Name of the organisation.
    pub const ORGANIZATION: Name =
        name("urn:oasis:names:tc:xspa:1.0:subject:organization", "XSPA Organization");
    /// Identifier of the organisation.
    pub const ORGANIZATION_ID: Name =
        name("urn:oasis:names:tc:xspa:1.0:subject:organization-id", "XSPA Organization ID");
    /// Role on whose behalf the professional acts.
    pub const ON_BEHALF_OF: Name = name("urn:ehdsi:names:subject:on-behalf-of", "OnBehalfOf");
    /// Kind of house in which the professional works.
    pub const FACILITY_TYPE: Name =
        name("urn:ehdsi:names:subject:healthcare-facility-type", "eHealth DSI Healthcare Facility Type");
    /// Why the data is asked for, a coded element.
    pub const PURPOSE_OF_USE: Name =
        name("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "XSPA Purpose Of Use");
    /// Point of care.
    pub const LOCALITY: Name = name("urn:oasis:names:tc:xspa:1.0:environment:locality", "XSPA Locality");
    /// Permissions, one value each.
    pub const PERMISSION: Name =
        name("urn:oasis:names:tc:xspa:1.0:subject:hl7:permission", "Hl7 Permissions");
    /// Speciality of the professional.
    pub const CLINICAL_SPECIALITY: Name =
        name("urn:ehdsi:names:subject:clinical-speciality", "HITSP Clinical Speciality");
    /// TRC: the patient's code for a dispensation.
    pub const DISPENSATION_PIN: Name =
        name("urn:ehdsi:names:document:document-id:dispensationPinCode", "Dispensation Pin Code");
    /// TRC: the prescription to dispense.
    pub const PRESCRIPTION_ID: Name =
        name("urn:ehdsi:names:document:document-id:prescriptionId", "Prescription ID");
    /// NoK: identifier of the relative.
    pub const NOK_ID: Name = name("urn:ehdsi:names:subject:nextofkin:id", "NextOfKinId");
    /// NoK: first name.
    pub const NOK_FIRST_NAME: Name =
        name("urn:ehdsi:names:subject:nextofkin:firstname", "NextOfKinFirstName");
    /// NoK: family name.
    pub const NOK_FAMILY_NAME: Name =
        name("urn:ehdsi:names:subject:nextofkin:familyname", "NextOfKinFamilyName");
    /// NoK: administrative gender.
    pub const NOK_GENDER: Name = name("urn:ehdsi:names:subject:nextofkin:gender", "NextOfKinGender");
    /// NoK: day of birth.
    pub const NOK_BIRTH_DATE: Name =
        name("urn:ehdsi:names:subject:nextofkin:birthdate", "NextOfKinBirthDate");
    /// NoK: street.
    pub const NOK_STREET: Name =
        name("urn:ehdsi:names:subject:nextofkin:address:street", "NextOfKinAddressStreet");
    /// NoK: city.
    pub const NOK_CITY: Name = name("urn:ehdsi:names:subject:nextofkin:address:city", "NextOfKinAddressCity");
    /// NoK: postal code.
    pub const NOK_POSTAL_CODE: Name =
        name("urn:ehdsi:names:subject:nextofkin:address:postalcode", "NextOfKinPostalCode");
    /// NoK: country of the address.
    pub const NOK_COUNTRY: Name =
        name("urn:ehdsi:names:subject:nextofkin:address:country", "NextOfKinAddressCountry");
}
