#include <cinch/core/error.hh>
#include <cinch/files/run_piped.hh>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace cinch {

namespace {

constexpr std::size_t ring_bytes = std::size_t{1} << 20;

// A ring of bytes between one writer and one reader. Copies happen outside of the lock: each side
// owns the part that the other one does not.
class Ring {
 public:
  Ring() : bytes_(new std::byte[ring_bytes]) {}

  // False: the reader has gone.
  bool write(Bytes bytes) {
    while (!bytes.empty()) {
      const std::size_t room =
          wait([&] { return reader_gone_ || written_ - read_ < ring_bytes; },
               [&] { return reader_gone_ ? 0 : ring_bytes - (written_ - read_); });
      if (room == 0) return false;
      const std::size_t at = written_ % ring_bytes;
      const std::size_t count = std::min({bytes.size(), room, ring_bytes - at});
      std::memcpy(bytes_.get() + at, bytes.data(), count);
      advance(written_, count);
      bytes = bytes.subspan(count);
    }
    return true;
  }
  // 0: the writer has ended.
  std::size_t read(std::span<std::byte> buffer) {
    const std::size_t filled =
        wait([&] { return writer_gone_ || written_ > read_; }, [&] { return written_ - read_; });
    const std::size_t at = read_ % ring_bytes;
    const std::size_t count = std::min({buffer.size(), filled, ring_bytes - at});
    if (count == 0) return 0;
    std::memcpy(buffer.data(), bytes_.get() + at, count);
    advance(read_, count);
    return count;
  }
  void end_writing() { leave(writer_gone_); }
  void end_reading() { leave(reader_gone_); }

 private:
  template <class Ready, class Result>
  std::size_t wait(Ready ready, Result result) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, ready);
    return result();
  }
  void advance(std::size_t& position, std::size_t count) {
    const std::lock_guard lock(mutex_);
    position += count;
    changed_.notify_all();
  }
  void leave(bool& gone) {
    const std::lock_guard lock(mutex_);
    gone = true;
    changed_.notify_all();
  }

  std::unique_ptr<std::byte[]> bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t written_ = 0;  // bytes ever; only the writer changes it
  std::size_t read_ = 0;     // bytes ever; only the reader changes it
  bool writer_gone_ = false;
  bool reader_gone_ = false;
};

// Not an Error, so that nobody takes it for one of the producer's own.
struct ReaderGone {};

class RingSink final : public Sink {
 public:
  explicit RingSink(Ring& ring) : ring_(ring) {}
  void write(Bytes bytes) override {
    if (!ring_.write(bytes)) throw ReaderGone{};
  }

 private:
  Ring& ring_;
};

}  // namespace

void run_piped(const std::function<void(Sink&)>& produce,
               const std::function<void(Source&)>& consume) {
  Ring ring;
  std::exception_ptr producer_error;
  // What the consumer reads ends in the producer's error, if there is one, and not just ends.
  class RingSource final : public Source {
   public:
    RingSource(Ring& ring, std::exception_ptr& error) : ring_(ring), error_(error) {}
    std::size_t read(std::span<std::byte> buffer) override {
      const std::size_t count = ring_.read(buffer);
      if (count == 0 && error_) std::rethrow_exception(error_);
      return count;
    }

   private:
    Ring& ring_;
    std::exception_ptr& error_;
  };
  std::jthread producer([&] {
    try {
      RingSink sink(ring);
      produce(sink);
    } catch (const ReaderGone&) {
      // The consumer had enough, or says itself why not.
    } catch (...) {
      producer_error = std::current_exception();
    }
    ring.end_writing();
  });
  // Lets the producer go, however the consumer ends.
  struct Leaver {
    Ring& ring;
    ~Leaver() { ring.end_reading(); }
  };
  {
    const Leaver leaver{ring};
    RingSource source(ring, producer_error);
    consume(source);
  }
  producer.join();
  if (producer_error) std::rethrow_exception(producer_error);
}

}  // namespace cinch
