//! Report cards: everything that one is computed from, and the versions that were published.

mod comments;
mod entries;
mod list;
mod load;
mod own;
mod publish;
mod rows;
mod transcript;
mod which;

pub use comments::{
    Comment, CommentTarget, Holding, find_comment_target, hold, release, write_comments,
};
pub use entries::Entry;
pub use list::{CardKey, ClassSize, ListedRow, find_keys, find_page, find_published};
pub use load::{Depth, Loaded, Reader, load};
pub use own::{FamilyCard, LISTING as OWN_LISTING, OwnCard, find_own, list_own};
pub(crate) use own::{newest, released};
pub use publish::{Freezing, Publication, publish, withdraw};
pub use rows::*;
pub use transcript::{Transcript, Wanted, find_transcript};
pub use which::Which;
