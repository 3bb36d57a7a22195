//! Medicines: administrations 3.4 of a summary, prescribed items 3.2, dispensed supplies 3.3.

use konfido_xml::Element;

use crate::{
    entry::text,
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, Quantity, Ratio, Timing, Value, silent_debug},
};

/// A medicine with how it is to be taken.
#[derive(Clone)]
#[non_exhaustive]
pub struct Medication<'d> {
    /// `substanceAdministration` or `supply`.
    pub element: Element<'d>,
    /// Brand name, as in the country of origin.
    pub name: Option<String>,
    /// Code of the product, national as a rule.
    pub product: Option<Coded<'d>>,
    /// What kind of medicine it is: ATC, or a virtual product.
    pub class: Option<Coded<'d>>,
    /// Active ingredients with strength.
    pub ingredients: Vec<Ingredient<'d>>,
    /// Pharmaceutical form.
    pub form: Option<Coded<'d>>,
    /// Package, outermost first.
    pub packages: Vec<Package<'d>>,
    /// By which way into the body.
    pub route: Option<Coded<'d>>,
    /// How much at once.
    pub dose: Option<Quantity<'d>>,
    /// How fast.
    pub rate: Option<Quantity<'d>>,
    /// When.
    pub timings: Vec<Timing<'d>>,
    /// How many packages are prescribed or were dispensed.
    pub quantity: Option<Quantity<'d>>,
    /// Why (`entryRelationship[RSON]`).
    pub reasons: Vec<Coded<'d>>,
    /// Whether another product may be given (`SUBST` observation of a prescription).
    pub substitution: Option<Coded<'d>>,
    /// Advice to patient or pharmacist.
    pub instructions: Vec<String>,
    /// `statusCode/@code`.
    pub status: Option<&'d str>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

/// An active ingredient.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ingredient<'d> {
    /// Substance.
    pub substance: Option<Coded<'d>>,
    /// Its name where it is not coded.
    pub name: Option<String>,
    /// How much of it is in how much.
    pub strength: Option<Ratio<'d>>,
}

/// One layer of packaging.
#[derive(Clone)]
#[non_exhaustive]
pub struct Package<'d> {
    /// Box, bottle, blister, …
    pub form: Option<Coded<'d>>,
    /// How much is in it.
    pub quantity: Option<Quantity<'d>>,
}

silent_debug!(Medication, Ingredient, Package);

/// Packages nest three deep in the profile; what nests deeper isn't followed.
const PACKAGE_LAYERS: usize = 4;

impl<'d> Medication<'d> {
    pub(super) fn new(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<Self> {
        let product = match statement.local() {
            "substanceAdministration" => statement.at(&["consumable", "manufacturedProduct"]),
            "supply" => statement.at(&["product", "manufacturedProduct"]),
            _ => return None,
        };
        let material = product.and_then(|product| product.hl7("manufacturedMaterial"));
        let coded = |element| Coded::new(element, narrative);
        let absence = statement.hl7("code").and_then(|code| coded(code).absence());
        let by_type = |wanted: &'static str| {
            statement.related().filter(move |(kind, _)| *kind == wanted).map(|(_, inner)| inner)
        };
        let supply = by_type("COMP").chain(by_type("REFR")).find(|inner| inner.local() == "supply");
        let quantity = statement.hl7("quantity").or_else(|| supply.and_then(|supply| supply.hl7("quantity")));
        Some(Self {
            element: statement,
            name: material
                .and_then(|material| material.medicine("name"))
                .map(Walk::label)
                .filter(|name| !name.is_empty()),
            product: material.and_then(|material| material.medicine("code")).map(coded),
            class: material.and_then(class_of).map(coded),
            ingredients: material.map(|material| Ingredient::all(material, narrative)).unwrap_or_default(),
            form: material.and_then(|material| material.medicine("formCode")).map(coded),
            packages: material.map(|material| Package::all(material, narrative)).unwrap_or_default(),
            route: statement.hl7("routeCode").map(coded),
            dose: statement.hl7("doseQuantity").map(Quantity::new),
            rate: statement.hl7("rateQuantity").map(Quantity::new),
            timings: statement.every("effectiveTime").map(|time| Timing::new(time, narrative)).collect(),
            quantity: quantity.map(Quantity::new),
            reasons: by_type("RSON")
                .filter_map(|reason| reason.hl7("value").or_else(|| reason.hl7("code")))
                .filter_map(|value| Value::new(value, narrative).coded().cloned())
                .collect(),
            substitution: by_type("SUBJ")
                .find(|inner| inner.hl7("code").and_then(|code| code.attribute("code")) == Some("SUBST"))
                .and_then(|inner| inner.hl7("value"))
                .map(coded),
            instructions: by_type("SUBJ")
                .filter(|inner| inner.local() == "act")
                .filter_map(|act| text(act, narrative))
                .collect(),
            status: statement.hl7("statusCode").and_then(|status| status.attribute("code")),
            text: text(statement, narrative),
            absence: absence.or_else(|| {
                let product = material.and_then(|material| material.medicine("code"))?;
                coded(product).absence()
            }),
        })
    }

    /// The medicine for a reader: its name, else its class, ingredients, code or narrative.
    pub fn words(&self) -> String {
        let words =
            |coded: &Option<Coded<'d>>| coded.as_ref().map(Coded::words).filter(|words| !words.is_empty());
        self.name
            .clone()
            .or_else(|| words(&self.class))
            .or_else(|| Some(self.ingredients.iter().map(Ingredient::words).collect::<Vec<_>>().join(", ")))
            .filter(|words| !words.is_empty())
            .or_else(|| words(&self.product))
            .or_else(|| self.text.clone())
            .unwrap_or_default()
    }
}

/// ATC or virtual product: the pharmacy extension's place, then epSOS's.
fn class_of(material: Element<'_>) -> Option<Element<'_>> {
    let kind = material.medicine("asSpecializedKind")?;
    let general =
        kind.medicine("generalizedMaterialKind").or_else(|| kind.medicine("generalizedMedicineClass"))?;
    general.medicine("code")
}

impl<'d> Ingredient<'d> {
    fn all(material: Element<'d>, narrative: &Narrative<'d>) -> Vec<Self> {
        // A combination pack holds its products in parts.
        let parts = material.every_medicine("part").filter_map(|part| part.medicine("partProduct"));
        core::iter::once(material)
            .chain(parts)
            .flat_map(|product| product.every_medicine("ingredient"))
            .filter(|ingredient| ingredient.attribute("classCode").is_none_or(|class| class == "ACTI"))
            .map(|ingredient| Self::new(ingredient, narrative))
            .collect()
    }

    fn new(ingredient: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let substance =
            ingredient.medicine("ingredientSubstance").or_else(|| ingredient.medicine("ingredient"));
        Self {
            substance: substance
                .and_then(|substance| substance.medicine("code"))
                .map(|code| Coded::new(code, narrative)),
            name: substance
                .and_then(|substance| substance.medicine("name"))
                .map(Walk::label)
                .filter(|name| !name.is_empty()),
            strength: ingredient.medicine("quantity").map(Ratio::new),
        }
    }

    /// Substance and strength.
    pub fn words(&self) -> String {
        let coded = self.substance.as_ref().filter(|substance| substance.null_flavor.is_none());
        let name = coded.map(Coded::words).filter(|words| !words.is_empty()).or_else(|| self.name.clone());
        let strength = self.strength.map(|strength| strength.words()).unwrap_or_default();
        [name.unwrap_or_default(), strength].join(" ").trim().to_owned()
    }
}

impl<'d> Package<'d> {
    fn all(material: Element<'d>, narrative: &Narrative<'d>) -> Vec<Self> {
        let mut packages = Vec::new();
        let mut holder = Some(material);
        while let (Some(content), true) =
            (holder.and_then(|holder| holder.medicine("asContent")), packages.len() < PACKAGE_LAYERS)
        {
            let product = ["containerPackagedProduct", "containerPackagedMedicine"]
                .into_iter()
                .find_map(|name| content.medicine(name));
            packages.push(Self {
                form: product
                    .and_then(|product| product.medicine("formCode"))
                    .map(|code| Coded::new(code, narrative)),
                quantity: content.medicine("quantity").map(Quantity::new),
            });
            holder = product;
        }
        packages.reverse();
        packages
    }
}
