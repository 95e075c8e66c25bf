//! A connection with its buffers. Writes are gathered and go out when there is nothing else to do at once.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::codec::{self, BadLength, Unreadable};
use super::pdu::Pdu;

/// Where no more requests are added to what waits to be written: answers are to be behind little.
pub(crate) const HIGH_WATER: usize = 64 * 1024;
/// Where nothing more is read: a peer that asks and does not listen.
const FLOODED: usize = 1024 * 1024;
const READ: usize = 64 * 1024;

/// Plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    output: BytesMut,
    /// Bytes ever handed to the stream.
    written: u64,
    flushed: bool,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            input: BytesMut::with_capacity(READ),
            output: BytesMut::with_capacity(READ),
            written: 0,
            flushed: true,
        }
    }

    pub(crate) fn put(&mut self, status: u32, sequence: u32, pdu: &Pdu<'_>) {
        codec::encode(&mut self.output, status, sequence, pdu);
    }

    pub(crate) fn refuse(&mut self, refused: &Unreadable) {
        codec::encode_refusal(&mut self.output, refused);
    }

    /// Bytes that wait to be written.
    pub(crate) fn backlog(&self) -> usize {
        self.output.len()
    }

    /// Whether everything has left.
    pub(crate) fn idle(&self) -> bool {
        self.output.is_empty() && self.flushed
    }

    /// Where in the stream the next PDU will start.
    pub(crate) fn position(&self) -> u64 {
        self.written
            .saturating_add(u64::try_from(self.output.len()).unwrap_or(u64::MAX))
    }

    /// What starts at or after this place has not left, not even in part.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The next PDU that is all there.
    pub(crate) fn frame(&mut self) -> Result<Option<Bytes>, BadLength> {
        codec::next_frame(&mut self.input)
    }

    /// Writes what there is and, if `read`, waits for bytes to come; their number, 0 at the end.
    pub(crate) async fn turn(&mut self, read: bool) -> io::Result<usize> {
        poll_fn(|context| {
            if let Poll::Ready(result) = self.poll_write_out(context) {
                result?;
            }
            if read && self.output.len() < FLOODED {
                self.poll_read_in(context)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Writes until all is out, and says that no more will come.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            ready!(self.poll_write_out(context))?;
            Pin::new(&mut *self.stream).poll_shutdown(context)
        })
        .await
    }

    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let count = ready!(Pin::new(&mut *self.stream).poll_write(context, &self.output))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(count);
            self.written = self
                .written
                .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            self.flushed = false;
        }
        if !self.flushed {
            ready!(Pin::new(&mut *self.stream).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read_in(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Takes back what the PDUs that were read have given up.
        if self.input.capacity() - self.input.len() < READ / 2 {
            self.input.reserve(READ);
        }
        let reading = self.stream.read_buf(&mut self.input);
        pin!(reading).poll(context)
    }
}
