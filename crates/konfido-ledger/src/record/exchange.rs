//! The two-party state machine: what one side holds of an exchange, and what each further statement does to it.
//!
//! Rules, the same for both sides:
//! - On any statement: it is taken apart into its layers (request, answer, receipt), each of them signed.
//! - A layer that is not held yet and whose lower layers are held is taken: the exchange advances.
//! - A layer that means what the held one means changes nothing: messages may come twice.
//! - A layer that means something else, though its author signed both, proves that the author speaks with two
//!   tongues: [`Step::Equivocation`] carries the two statements, and nothing is taken.
//!
//! The function is total: whatever comes in whatever order, it answers one of the four. A statement about another
//! exchange, or between other parties, is refused.

use konfido_circle::CountryCode;

use crate::LedgerError;
use crate::keys::EvidenceKeys;
use crate::record::statement::{Answer, ExchangeId, Outcome, Receipt, Request, Signed, Statement};

/// How far an exchange is, by the last signed state that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// B asked.
    Requested,
    /// A delivered, or said that there is nothing.
    Provided,
    /// A refused or failed.
    Refused,
    /// B confirmed. Both signed: the record is complete.
    Received,
}

/// One exchange as one side knows it. It holds no more than the outermost statement: the others are inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange(Statement);

/// What a statement did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The exchange is further than before.
    Advanced(Exchange),
    /// Nothing new.
    Repeated(Exchange),
    /// Its author signed two statements that exclude each other.
    Equivocation(Exchange, Box<Equivocation>),
    /// The statement is not about this exchange.
    Foreign(Exchange),
}

impl Exchange {
    /// Begins with whatever statement was seen first.
    #[must_use]
    pub fn open(statement: Statement) -> Self {
        Self(statement)
    }

    /// Takes a further statement.
    #[must_use]
    pub fn on(self, statement: Statement) -> Step {
        let (mine, theirs) = (self.0.request(), statement.request());
        if mine.exchange != theirs.exchange || mine.requester != theirs.requester {
            return Step::Foreign(self);
        }
        for (held, seen) in layers(&self.0).into_iter().zip(layers(&statement)) {
            if held.meaning() != seen.meaning() {
                return Step::Equivocation(self, Box::new(Equivocation { first: held, second: seen }));
            }
        }
        if statement.kind() > self.0.kind() { Step::Advanced(Self(statement)) } else { Step::Repeated(self) }
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.0 {
            Statement::Requested(_) => Stage::Requested,
            Statement::Answered(a) => match a.content().outcome {
                Outcome::Delivered | Outcome::Empty => Stage::Provided,
                Outcome::Refused | Outcome::Failed => Stage::Refused,
            },
            Statement::Received(_) => Stage::Received,
        }
    }

    /// Which exchange.
    #[must_use]
    pub fn id(&self) -> ExchangeId {
        self.0.request().exchange
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        self.0.request()
    }

    /// The answer, once there is one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.0.signed_answer().map(Signed::content)
    }

    /// The outermost statement held.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.0
    }

    /// The complete record, signed by both. No other way leads to a leaf that both are bound by.
    #[must_use]
    pub fn record(&self) -> Option<&Signed<Receipt>> {
        match &self.0 {
            Statement::Received(record) => Some(record),
            Statement::Requested(_) | Statement::Answered(_) => None,
        }
    }

    /// The country whose signature is still missing.
    #[must_use]
    pub fn waiting_for(&self) -> Option<CountryCode> {
        match &self.0 {
            Statement::Requested(r) => Some(r.content().provider),
            Statement::Answered(a) => Some(a.content().request.content().requester),
            Statement::Received(_) => None,
        }
    }
}

fn layers(statement: &Statement) -> Vec<Statement> {
    let mut layers = vec![Statement::Requested(statement.signed_request().clone())];
    layers.extend(statement.signed_answer().cloned().map(Statement::Answered));
    if let Statement::Received(_) = statement {
        layers.push(statement.clone());
    }
    layers
}

/// Two statements of one country about one exchange that cannot both be true. It proves itself: no trust in whoever
/// shows it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    first: Statement,
    second: Statement,
}

impl Equivocation {
    /// Reads two statements and checks that they convict their author.
    ///
    /// # Errors
    /// If a signature does not hold, or the two agree or have nothing to do with each other.
    pub fn verify(first: &[u8], second: &[u8], keys: &dyn EvidenceKeys) -> Result<Self, LedgerError> {
        let (first, second) = (Statement::verify(first, keys)?, Statement::verify(second, keys)?);
        let same_place = first.kind() == second.kind()
            && first.author() == second.author()
            && first.request().exchange == second.request().exchange;
        if !same_place || first.meaning() == second.meaning() {
            return Err(LedgerError::Refused("the two statements do not exclude each other"));
        }
        // A layer above a contradiction is not its author's fault: he may have been shown either lower layer.
        let lower_agree = layers(&first)
            .iter()
            .zip(&layers(&second))
            .rev()
            .skip(1)
            .all(|(one, other)| one.meaning() == other.meaning());
        if !lower_agree {
            return Err(LedgerError::Refused("the contradiction lies in an enclosed statement"));
        }
        Ok(Self { first, second })
    }

    /// Who said both.
    #[must_use]
    pub fn culprit(&self) -> CountryCode {
        self.first.author()
    }

    /// The exchange they are about.
    #[must_use]
    pub fn exchange(&self) -> ExchangeId {
        self.first.request().exchange
    }

    /// The two statements.
    #[must_use]
    pub fn statements(&self) -> [&[u8]; 2] {
        [self.first.bytes(), self.second.bytes()]
    }
}

#[cfg(test)]
mod tests;
