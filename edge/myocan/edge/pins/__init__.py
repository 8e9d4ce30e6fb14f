"""Where pins come from: one small module for each library, behind `interfaces.Pins`."""
