//! The codec of specd's messages: protobuf, where a request is within its bounds before it is decoded.

use crate::api::bounds::{self, Refusal};
use crate::api::status;
use prost::bytes::Buf;
use prost::{Message, Name};
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
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
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        match bounds::check(U::NAME, &bytes) {
            Ok(()) => U::decode(bytes).map(Some).map_err(|error| {
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
}
