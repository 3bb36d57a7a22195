package interop;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Reads the PEM files that an operator has, into the key stores that Java wants. */
final class Pem {
    private Pem() {
    }

    static List<X509Certificate> certificates(Path file) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        var factory = CertificateFactory.getInstance("X.509");
        for (var c : factory.generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))) {
            found.add((X509Certificate) c);
        }
        return found;
    }

    static PrivateKey key(Path file) throws Exception {
        String text = Files.readString(file, StandardCharsets.US_ASCII)
            .replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
        for (String algorithm : new String[] {"RSA", "EC"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (java.security.spec.InvalidKeySpecException next) {
                // the other algorithm
            }
        }
        throw new IllegalArgumentException("no RSA or EC key in " + file);
    }

    static KeyStore identity(Path key, Path certificate) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("own", key(key), new char[0], certificates(certificate).toArray(new X509Certificate[0]));
        return store;
    }

    static KeyStore trust(Path anchors) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        int n = 0;
        for (X509Certificate anchor : certificates(anchors)) {
            store.setCertificateEntry("anchor" + n++, anchor);
        }
        return store;
    }
}
