"""What traces and metrics share of OpenTelemetry; open genai.py first, which has every name."""
