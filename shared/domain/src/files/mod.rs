//! Files that clients send: what is taken out of a body, and the rows of a CSV file.

pub mod multipart;
pub mod picture;
pub mod table;
