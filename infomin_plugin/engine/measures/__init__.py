"""What is measured of a trained model: read-outs, mutual information, cached features."""
