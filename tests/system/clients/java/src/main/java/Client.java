import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Calls health over and over, as a client with no option set does.
 *
 * <p>usage: Client TARGET CALLS METADATA_BYTES[,METADATA_BYTES...]
 *
 * <p>The sizes are taken in turn; 0 is a call without metadata.
 */
final class Client {
    private static final byte[] REQUEST = "\n\bliveness".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SERVING = {8, 1};
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz/%_";
    private static final Metadata.Key<String> LARGE =
            Metadata.Key.of("x-large", Metadata.ASCII_STRING_MARSHALLER);

    /** Messages as they are on the wire, so that no generated code is needed. */
    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] message) {
            return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream message) {
            try {
                return message.readAllBytes();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    private static final MethodDescriptor<byte[], byte[]> CHECK =
            MethodDescriptor.<byte[], byte[]>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("grpc.health.v1.Health/Check")
                    .setRequestMarshaller(new Bytes())
                    .setResponseMarshaller(new Bytes())
                    .build();

    private static Channel withMetadata(Channel channel, int size, Random random) {
        if (size == 0) {
            return channel;
        }
        StringBuilder value = new StringBuilder(size);
        for (int at = 0; at < size; at++) {
            value.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        Metadata metadata = new Metadata();
        metadata.put(LARGE, value.toString());
        return ClientInterceptors.intercept(
                channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    public static void main(String[] args) {
        String target = args[0];
        int calls = Integer.parseInt(args[1]);
        int[] sizes = Arrays.stream(args[2].split(",")).mapToInt(Integer::parseInt).toArray();
        Random random = new Random(1);
        ManagedChannel channel =
                Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
        for (int call = 0; call < calls; call++) {
            Channel with = withMetadata(channel, sizes[call % sizes.length], random);
            byte[] answer =
                    ClientCalls.blockingUnaryCall(with, CHECK, CallOptions.DEFAULT, REQUEST);
            if (!Arrays.equals(answer, SERVING)) {
                throw new AssertionError("call " + call + ": " + Arrays.toString(answer));
            }
        }
        channel.shutdownNow();
        System.out.println(calls + " calls answered");
    }
}
