//! One connection that sends the same request again and again, and checks every answer.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::response::Response;

/// Holds a burst of 20 events and a 1536-float vector in one read.
const BUFFER: usize = 64 * 1024;

pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    request: Bytes,
    events: u64,
    status: u16,
    buffer: Vec<u8>,
    response: Response,
}

pub struct Exchanged {
    pub ended: Instant,
    pub first_event: Option<Instant>,
    pub events: u64,
    pub bytes: u64,
}

impl Connection {
    pub async fn open(address: SocketAddr, request: Bytes, events: u64) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (buffer, response) = (vec![0; BUFFER], Response::new(events > 0));
        Ok(Self { stream, address, request, events, status: 200, buffer, response })
    }

    /// For what shall be refused.
    pub fn expect_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Asks, and reads the answer to its end.
    pub async fn exchange(&mut self) -> Result<Exchanged> {
        self.stream.write_all(&self.request).await.context("send the request")?;
        let mut first_event = None;
        while !self.advance().await? {
            if first_event.is_none() && self.response.events() > 0 {
                first_event = Some(Instant::now());
            }
        }
        let ended = Instant::now();
        self.response.check(self.status, self.events)?;
        if self.events > 0 && first_event.is_none() {
            first_event = Some(ended);
        }
        let exchanged = Exchanged { ended, first_event, events: self.response.events(), bytes: self.response.bytes };
        if self.response.close {
            self.stream = TcpStream::connect(self.address).await.context("connect again")?;
            self.stream.set_nodelay(true)?;
        }
        self.response.reset();
        Ok(exchanged)
    }

    /// Asks, and reads up to the first event only; the stream stays open.
    pub async fn exchange_first(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await.context("send the request")?;
        while self.response.events() == 0 {
            if self.advance().await? {
                self.response.check(self.status, self.events)?;
                bail!("the stream ended");
            }
        }
        Ok(())
    }

    /// Gives the buffer back; for streams that are only held open.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
    }

    async fn advance(&mut self) -> Result<bool> {
        let count = self.stream.read(&mut self.buffer).await.context("read the answer")?;
        if count == 0 {
            bail!("the gateway closed the connection before the answer's end");
        }
        self.response.feed(&self.buffer[..count])
    }
}
