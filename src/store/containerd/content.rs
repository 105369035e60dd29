//! Reads a blob by its digest: `Content.Read`, which answers with a stream of chunks.

use super::headers;
use super::outgoing::Outgoing;
use super::status::{Call, Failure};
use crate::api::pb::containerd::{ContentClient, ReadContentRequest, ReadContentResponse};
use crate::domain::ids::Namespace;
use crate::image::digest::Digest;
use crate::store::{BlobStream, StoreError};
use bytes::Bytes;
use futures_util::stream;
use std::io;
use tokio_util::io::StreamReader;
use tonic::Streaming;

/// The largest chunk that is accepted. containerd sends chunks of 1 MiB; another release may send more.
const CHUNK_BYTES: usize = 16 << 20;

/// Opens a blob, from its start to its end.
///
/// It waits for the first chunk, so that an absent blob is an error of this function, not of the stream.
pub(super) async fn open(
    channel: Outgoing,
    call: Call,
    namespace: &Namespace,
    digest: &Digest,
) -> Result<BlobStream, StoreError> {
    let failed = |failure: Failure| match failure {
        Failure::Absent => StoreError::BlobAbsent { digest: digest.clone() },
        Failure::Store(error) => error,
    };
    let message = ReadContentRequest { digest: digest.to_string(), offset: 0, size: 0 };
    let request = headers::request(&call, namespace, message)?;
    let mut client = ContentClient::new(channel).max_decoding_message_size(CHUNK_BYTES);
    let answer = call.bounded(client.read(request)).await.map_err(failed)?;
    let answer = answer.into_inner();
    let mut chunks = Chunks { answer, ahead: None, call, digest: digest.clone(), end: 0 };
    chunks.ahead = chunks.next().await.map_err(failed)?;

    let chunks = stream::try_unfold(chunks, |mut chunks| async move {
        match chunks.next().await {
            Ok(data) => Ok(data.map(|data| (data, chunks))),
            Err(failure) => Err(io::Error::other(failure.or_invalid(&chunks.call))),
        }
    });
    Ok(Box::pin(StreamReader::new(chunks)))
}

/// The chunks of one blob; each must begin where the previous one ended.
struct Chunks {
    answer: Streaming<ReadContentResponse>,
    /// The first chunk, until it is read.
    ahead: Option<Bytes>,
    call: Call,
    digest: Digest,
    end: u64,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let Some(chunk) = self.call.bounded(self.answer.message()).await? else {
            return Ok(None);
        };
        if u64::try_from(chunk.offset) != Ok(self.end) {
            let (digest, end, offset) = (&self.digest, self.end, chunk.offset);
            let gap = format!("{digest} with offset {offset} where {end} was due");
            return Err(Failure::Store(self.call.invalid(gap)));
        }
        self.end += chunk.data.len() as u64;
        Ok(Some(chunk.data.into()))
    }
}
