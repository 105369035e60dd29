//! The codecs of specd's messages: protobuf, where a request is within its bounds before it is decoded.

use crate::api::bounds::{self, Refusal};
use crate::api::pb::specd as pb;
use crate::api::status;
use crate::api::templates::Template;
use prost::bytes::{Buf, BufMut, Bytes};
use prost::{Message, Name};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstEncoder};

/// Encodes `T` and decodes `U`.
#[derive(Debug, Clone)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(PhantomData)
    }
}

/// Decodes `U`.
#[derive(Debug, Clone)]
pub struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        decode(buffer.copy_to_bytes(buffer.remaining())).map(Some)
    }
}

/// Decodes a message that is within its bounds.
fn decode<U: Message + Name + Default>(bytes: Bytes) -> Result<U, Status> {
    match bounds::check(U::NAME, &bytes) {
        Ok(()) => U::decode(bytes).map_err(|error| {
            if bounds::is_request(U::NAME) {
                status::undecodable(&error.to_string())
            } else {
                Status::internal(error.to_string())
            }
        }),
        Err(Refusal::Bounds(wrong)) => Err(status::of(&wrong.into())),
        Err(Refusal::Malformed) => Err(status::undecodable("malformed protobuf")),
    }
}

/// A `GenerateRequest` that is not decoded yet: most are answered with a copy of a template.
#[derive(Debug, Clone)]
pub struct Received(Bytes);

impl Received {
    /// A request of these bytes.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The place of the id. Absent if the request does not have exactly one, or is malformed.
    pub(super) fn id(&self) -> Option<Range<usize>> {
        bounds::find_text(&self.0, ID)
    }

    /// The message, if it is within its bounds.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT`.
    pub fn decode(&self) -> Result<pb::GenerateRequest, Status> {
        decode(self.0.clone())
    }
}

/// The number of the field `id`.
const ID: u64 = 3;

/// The answer of `Generate`.
#[derive(Debug)]
pub enum Answer {
    /// What the steps gave.
    Made(Box<pb::GenerateResponse>),
    /// The copy of a template for an id of the same shape.
    Copy(Arc<Template>, Bytes),
}

impl Answer {
    /// The size of the message, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        match self {
            Self::Made(message) => message.encoded_len(),
            Self::Copy(template, _) => template.encoded_len(),
        }
    }

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// `INTERNAL`, if the id has not the shape of the template's.
    pub fn encode(&self, buffer: &mut impl BufMut) -> Result<(), Status> {
        match self {
            Self::Made(message) => message.encode(buffer).ok(),
            Self::Copy(template, id) => template.write(id, buffer),
        }
        .ok_or_else(|| Status::internal("the answer cannot be encoded"))
    }
}

/// The codec of `Generate`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GenerateCodec;

impl Codec for GenerateCodec {
    type Encode = Answer;
    type Decode = Received;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for GenerateCodec {
    type Item = Answer;
    type Error = Status;

    fn encode(&mut self, answer: Answer, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(answer.encoded_len());
        answer.encode(buffer)
    }
}

impl Decoder for GenerateCodec {
    type Item = Received;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Received>, Status> {
        Ok(Some(Received(buffer.copy_to_bytes(buffer.remaining()))))
    }
}
