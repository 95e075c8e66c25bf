//! Report cards: everything that one is computed from, and the versions that were published.

mod comments;
mod load;
mod own;
mod publish;
mod rows;

pub use comments::{CommentTarget, Holding, find_comment_target, hold, release, write_comments};
pub use load::{Depth, Entry, Loaded, Reader, Which, load};
pub use own::{LISTING as OWN_LISTING, OwnCard, find_own, list_own};
pub use publish::{Frozen, Publication, publish};
pub use rows::*;
