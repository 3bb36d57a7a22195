//! Hands final blocks to the application in order, several at once when it is behind, and acknowledges them only
//! after it has stored their effect.

use std::sync::Arc;

use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::{
    marshal::{Update, core::Mailbox, standard::Standard},
    simplex::scheme::ed25519::Scheme,
    types::Height,
};
use commonware_utils::{Acknowledgement, channel::mpsc};

use crate::engine::Progress;
use crate::{Application, Block};

/// Blocks delivered to the application in one call at most, and awaiting it at most.
pub(crate) const MAX_DELIVERY: usize = 16;

pub(crate) struct Deliver {
    pub(crate) application: Arc<dyn Application>,
    pub(crate) mailbox: Mailbox<Scheme, Standard<Block>>,
    pub(crate) epoch_length: u64,
    pub(crate) boundary: mpsc::UnboundedSender<Block>,
    pub(crate) progress: Arc<Progress>,
}

impl Deliver {
    pub(crate) async fn run(self, mut updates: mpsc::UnboundedReceiver<Update<Block>>) {
        while let Some(first) = updates.recv().await {
            let mut blocks = Vec::new();
            let mut receipts = Vec::new();
            let mut next = Some(first);
            while let Some(update) = next {
                if let Update::Block(block, receipt) = update {
                    blocks.push(block.inner().clone());
                    receipts.push(receipt);
                }
                next = if blocks.len() < MAX_DELIVERY { updates.try_recv().ok() } else { None };
            }
            let Some(last) = blocks.last() else { continue };
            if let Err(reason) = self.application.finalized(&blocks) {
                // Nothing is acknowledged: the blocks come again when the node starts anew.
                tracing::error!(height = last.height(), %reason, "ledger cannot store a final block, stopping");
                self.progress.fail(reason);
                return;
            }
            self.progress.advance(last);
            for receipt in receipts {
                receipt.acknowledge();
            }
            for block in &blocks {
                if block.height().saturating_add(1).is_multiple_of(self.epoch_length) {
                    let _stopping = self.boundary.send(block.clone());
                }
            }
            if let Some(certificate) = self.mailbox.get_finalization(Height::new(last.height())).await {
                self.application.certified(last.height(), Bytes::from(certificate.encode().to_vec()));
            }
        }
    }
}
