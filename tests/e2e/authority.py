"""A private certificate authority, as a company has one that no client knows by itself."""
import ssl
import subprocess

from howdah import new_directory


class Authority:
    """A private certificate authority."""

    def __init__(self):
        self.directory = new_directory()
        self.ca = self.directory / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=self.directory, check=True, capture_output=True)

    def issue(self, name, *key, days=2):
        """Certificate and key files for localhost, their subject `name`."""
        (self.directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("req", "-new", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                     *(key or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")))
        self.openssl("x509", "-req", "-days", days, "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-extfile", "names", "-out", f"{name}.crt")
        return self.directory / f"{name}.crt", self.directory / f"{name}.key"

    def context(self):
        return ssl.create_default_context(cafile=str(self.ca))
