//! Types and pure decisions, one module per area. No HTTP, no SQL, no Workers: time, randomness and ids are arguments.

pub mod academics;
pub mod credentials;
pub mod csv;
pub mod files;
pub mod identity;
pub mod permissions;
pub mod records;
pub mod schools;
pub mod sms;
pub mod webhooks;

/// Kinds of things that have an id.
pub mod kinds {
    /// A school.
    #[derive(Debug)]
    pub enum Tenant {}
    /// A user of a school, or of the platform.
    #[derive(Debug)]
    pub enum User {}
    /// A role of a school, or of the platform.
    #[derive(Debug)]
    pub enum Role {}
    /// The assignment of a role to a user.
    #[derive(Debug)]
    pub enum RoleAssignment {}
    /// One sign-in: the family of its refresh tokens.
    #[derive(Debug)]
    pub enum Session {}
    /// An API key.
    #[derive(Debug)]
    pub enum ApiKey {}
    /// A member of a school's staff.
    #[derive(Debug)]
    pub enum Staff {}
    /// A line of the audit log.
    #[derive(Debug)]
    pub enum AuditEntry {}
    /// A text message.
    #[derive(Debug)]
    pub enum SmsMessage {}
    /// Text messages that were sent as one.
    #[derive(Debug)]
    pub enum SmsBatch {}
    /// A webhook of the platform.
    #[derive(Debug)]
    pub enum Webhook {}
    /// Something that a webhook is told.
    #[derive(Debug)]
    pub enum WebhookDelivery {}
}

/// Id of a school.
pub type TenantId = homeroom_kernel::Id<kinds::Tenant>;
/// Id of a user.
pub type UserId = homeroom_kernel::Id<kinds::User>;
/// Id of a role.
pub type RoleId = homeroom_kernel::Id<kinds::Role>;
/// Id of a role assignment.
pub type RoleAssignmentId = homeroom_kernel::Id<kinds::RoleAssignment>;
/// Id of a sign-in.
pub type SessionId = homeroom_kernel::Id<kinds::Session>;
/// Id of an API key.
pub type ApiKeyId = homeroom_kernel::Id<kinds::ApiKey>;
/// Id of a member of staff.
pub type StaffId = homeroom_kernel::Id<kinds::Staff>;
/// Id of a line of the audit log.
pub type AuditId = homeroom_kernel::Id<kinds::AuditEntry>;
/// Id of a text message.
pub type SmsMessageId = homeroom_kernel::Id<kinds::SmsMessage>;
/// Id of a batch of text messages.
pub type SmsBatchId = homeroom_kernel::Id<kinds::SmsBatch>;
/// Id of a webhook of the platform.
pub type WebhookId = homeroom_kernel::Id<kinds::Webhook>;
/// Id of something that a webhook is told.
pub type WebhookDeliveryId = homeroom_kernel::Id<kinds::WebhookDelivery>;
